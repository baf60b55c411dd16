# shellcheck shell=dash
# What was done, one line of JSON each: it is only ever added to.

# record KIND NUMBER OUTCOME [BEGAN]
record() {
  local release
  release=$(release_folder "$2")/release.env
  printf '{"number":%s,"at":"%s","kind":"%s","actor":"%s","outcome":"%s","seconds":%s,"built_from":"%s","promoted_as":"%s","image":"%s"}\n' \
    "$2" "$(now)" "$1" "$actor" "$3" "$(($(seconds) - ${4:-$(seconds)}))" \
    "${built_from:-$(value_of BUILT_FROM "$release")}" "${promoted_as:-$(value_of PROMOTED_AS "$release")}" \
    "${image:-$(value_of IMAGE "$release")}" >>"$folder/history" || warn "the history can't be written"
}

show_history() { [ ! -f "$folder/history" ] || cat "$folder/history"; }
