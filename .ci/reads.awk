# Prints undeclared variables that functions of llm-deploy/lib read: a variable must be local, or named in the comment
# above the function or at the top of main.sh. One-letter names are awk's.
function is_shared(name) {
  return name ~ /^(root|environment|folder|port|actor|caller|registry_user|registry_token)$/ ||
    name == "running" && FILENAME ~ /output.sh$/ || name == "progress" && FILENAME ~ /(progress|output).sh$/
}

function words_after(word, line) { return match(line, word) ? " " substr(line, RSTART + RLENGTH) " " : "" }

FNR == 1 { comment = "" }
/^#/ { comment = comment $0 " "; next }
/^[a-z_0-9]+\(\) *[({]/ { current = $1; own = "" }
current != "" {
  line = $0
  gsub(/'[^']*'/, "", line)
  own = own words_after("local ", line) words_after("read -r ", line) words_after("for ", line)
  while (match(line, /\$\{?[a-z_][a-z_]+/)) {
    name = substr(line, RSTART, RLENGTH)
    sub(/^\$\{?/, "", name)
    line = substr(line, RSTART + RLENGTH)
    if (!is_shared(name) && own !~ "[ ;]" name "[ =;]" && comment !~ "[$]" name "[^a-z_]")
      print FILENAME ": " current " reads $" name
  }
}
/^[})]/ || /^[a-z_0-9]+\(\) .*[})]$/ { current = comment = "" }
current == "" && /^$/ { comment = "" }
