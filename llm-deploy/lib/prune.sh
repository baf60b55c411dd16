# shellcheck shell=dash
# Keeps the live release, the previous one, and KEEP_RELEASES more, with their images.

prune_releases() {
  local number image images current
  current=$(state current)
  for number in $(releases |
    awk -v keep="$(number_setting KEEP_RELEASES 5)" -v current="$current" -v before="$(previous_of "$current")" '
      $1 != current && $1 != before && ++others > keep'); do
    say "  removing release $number"
    rm -rf "$folder/releases/$number"
  done
  # Another environment may begin a deploy meanwhile: is_kept is asked just before each removal.
  images=$(images_of_ours) || { warn "the engine does not list its images"; return 1; }
  for image in $images; do
    ! is_kept "$image" || continue
    say "  removing image $image"
    docker image rm "$image" >/dev/null 2>&1 || warn "image $image stays: docker image rm says why"
  done
}

# images_of_ours: images with our label, pulled by digest.
images_of_ours() {
  local list
  list=$(docker image ls --no-trunc --digests --filter label=org.opencontainers.image.title=local-llm-server \
    --format '{{.Repository}}@{{.Digest}}') && printf '%s\n' "$list" | sed -n '/@sha256:/p' | sort -u
}

# is_kept IMAGE: by a release or candidate of any environment.
is_kept() {
  cat "$LLM_DEPLOY_HOME"/*/releases/*/release.env "$LLM_DEPLOY_HOME"/*/candidate/release.env 2>/dev/null |
    sed -n 's/^IMAGE=//p' | untagged | grep -xF "$1" >/dev/null
}

prune() {
  take_lock "prune"
  prune_releases
}
