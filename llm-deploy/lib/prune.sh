# shellcheck shell=dash
# What is kept: what is live, the one before it, and as many more as KEEP_RELEASES says; and the images of those.

prune_releases() {
  local number image images current
  current=$(state current)
  for number in $(releases |
    awk -v keep="$(number_setting KEEP_RELEASES 5)" -v current="$current" -v before="$(before "$current")" '
      $1 != current && $1 != before && ++others > keep'); do
    say "  removing release $number"
    rm -rf "$folder/releases/$number"
  done
  # Another environment may begin a deploy meanwhile: each is looked for just before, which leaves it a moment only.
  images=$(images_of_ours) || { warn "the engine does not list its images"; return 1; }
  for image in $images; do
    ! is_kept "$image" || continue
    say "  removing image $image"
    docker image rm "$image" >/dev/null 2>&1 || warn "image $image stays: docker image rm tells why"
  done
}

# By their label; those that came by digest.
images_of_ours() {
  local list
  list=$(docker image ls --no-trunc --digests --filter label=org.opencontainers.image.title=local-llm-server \
    --format '{{.Repository}}@{{.Digest}}') && printf '%s\n' "$list" | sed -n '/@sha256:/p' | sort -u
}

# In any environment.
is_kept() {
  cat "$LLM_DEPLOY_HOME"/*/releases/*/release.env "$LLM_DEPLOY_HOME"/*/candidate/release.env 2>/dev/null |
    sed -n 's/^IMAGE=//p' | untagged | grep -xF "$1" >/dev/null
}

prune() {
  take_lock "prune"
  prune_releases
}
