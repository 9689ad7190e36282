# Packages as archives, and a clean install of them by their lock file.
export HOME=/tmp/npm-home npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false
mkdir -p "$HOME" /srv/npm/app
cd /srv/npm
dependencies=
for number in $(seq 10); do
    mkdir "lib$number"
    printf '{"name":"lib%d","version":"1.0.%d","main":"index.js"}' "$number" "$number" >"lib$number/package.json"
    for file in $(seq 40); do echo "exports.v = $file;" >"lib$number/f$file.js"; done
    echo "exports.name = 'lib$number';" >"lib$number/index.js"
    (cd "lib$number" && npm pack --silent --pack-destination ..)
    dependencies="$dependencies,\"lib$number\":\"file:../lib$number-1.0.$number.tgz\""
done
printf '{"name":"app","version":"1.0.0","dependencies":{%s}}' "${dependencies#,}" >app/package.json
cd app
npm install --offline --package-lock-only
npm ci --offline
test "$(node -p 'require("lib7").name')" = lib7
rm -rf "$HOME"
