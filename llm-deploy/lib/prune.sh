# shellcheck shell=dash
# What is kept: what is live, the one before it, and as many more as KEEP_RELEASES says; and the images of those.

prune_releases() {
  local number image current
  current=$(state current)
  for number in $(releases | awk -v keep="$(number_setting KEEP_RELEASES 5)" -v current="$current" -v before="$(before "$current")" '
    $1 != current && $1 != before && ++others > keep'); do
    say "  removing release $number"
    rm -rf "$folder/releases/$number"
  done
  # Another environment may begin a deploy meanwhile, so each is looked for just before.
  for image in $(images_of_ours); do
    ! is_kept "$image" || continue
    say "  removing image $image"
    docker image rm "$image" >/dev/null 2>&1 || warn "image $image stays: docker image rm tells why"
  done
}

# By their label.
images_of_ours() {
  docker image ls --no-trunc --digests --filter label=org.opencontainers.image.title=local-llm-server \
    --format '{{.Repository}}@{{.Digest}}' | grep '@sha256:' | sort -u
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
