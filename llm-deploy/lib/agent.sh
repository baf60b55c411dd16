# shellcheck shell=dash
# The LaunchAgent that runs reconcile at login and every minute. Not a daemon: engines on macOS run in a user's session.

AGENT=dev.localllm.reconcile

agent_file() { printf '%s/Library/LaunchAgents/%s.plist\n' "$HOME" "$AGENT"; }

print_agent() {
  cat <<PLIST
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>$AGENT</string>
  <key>ProgramArguments</key>
  <array><string>$(xml "$root/bin/llm-deploy")</string><string>reconcile</string></array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>LLM_DEPLOY_HOME</key><string>$(xml "$LLM_DEPLOY_HOME")</string>
    ${DOCKER_HOST:+<key>DOCKER_HOST</key><string>$(xml "$DOCKER_HOST")</string>}
  </dict>
  <key>RunAtLoad</key><true/>
  <key>StartInterval</key><integer>60</integer>
  <key>StandardOutPath</key><string>$(xml "$LLM_DEPLOY_HOME/reconcile.log")</string>
  <key>StandardErrorPath</key><string>$(xml "$LLM_DEPLOY_HOME/reconcile.log")</string>
</dict>
</plist>
PLIST
}

xml() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

install_agent() {
  [ "$(uname)" = Darwin ] || refuse "only macOS has LaunchAgents (fix: a systemd timer, docs/operations.md, step 7)"
  mkdir -p "$HOME/Library/LaunchAgents" "$LLM_DEPLOY_HOME"
  print_agent >"$(agent_file)"
  launchctl bootout "gui/$(id -u)/$AGENT" 2>/dev/null || :
  launchctl bootstrap "gui/$(id -u)" "$(agent_file)" ||
    die 1 "launchctl refuses $(agent_file): is the user logged in at the screen?"
  say "installed: $(agent_file)"
}

remove_agent() {
  launchctl bootout "gui/$(id -u)/$AGENT" 2>/dev/null || :
  rm -f "$(agent_file)"
  say "removed: $(agent_file)"
}
