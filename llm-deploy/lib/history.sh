# shellcheck shell=dash
# The history: one line of JSON each, append-only.

# record KIND NUMBER OUTCOME BEGAN [IMAGE BUILT_FROM PROMOTED_AS]: the last three default to the release's.
record() {
  local release format
  release=$(release_folder "$2")/release.env
  format='{"number":%s,"at":"%s","kind":"%s","actor":"%s","outcome":"%s","seconds":%s,'
  format=$format'"built_from":"%s","promoted_as":"%s","image":"%s"}\n'
  # shellcheck disable=SC2059 # it is the lines above
  printf "$format" \
    "$2" "$(now)" "$1" "$actor" "$3" "$(($(seconds) - $4))" \
    "${6:-$(value_of BUILT_FROM "$release")}" "${7:-$(value_of PROMOTED_AS "$release")}" \
    "${5:-$(value_of IMAGE "$release")}" >>"$folder/history" || warn "the history can't be written"
}

show_history() { [ ! -f "$folder/history" ] || cat "$folder/history"; }
