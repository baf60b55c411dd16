# shellcheck shell=dash
# The manifest of settings in the tool's checkout. Its first lines explain the format.

MANIFEST=env/manifest.csv

# known_settings ENVIRONMENT: names of its settings, one per line. An empty cell repeats the one before it.
known_settings() {
  awk -F ' *[|] *' -v environment="$1" '
    /^#/ { next }
    !column { for (i = 1; i <= NF; i++) if ($i == environment) column = i; next }
    { for (i = column; $i == ""; i--) { } if ($i != "-") print $1 }' "$root/$MANIFEST"
}

# public_settings: names of the settings that are not secret.
public_settings() { awk -F ' *[|] *' '!/^#/ && $2 == "variable" { print $1 }' "$root/$MANIFEST"; }
