# A workspace of ten crates, built and run.
export HOME=/tmp/cargo-home CARGO_INCREMENTAL=0
mkdir -p "$HOME" /srv/cargo/app/src
cd /srv/cargo
printf '[workspace]\nmembers = ["app", "lib*"]\n' >Cargo.toml
printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n' >app/Cargo.toml
uses=
for number in $(seq 9); do
    mkdir -p "lib$number/src"
    printf '[package]\nname = "lib%d"\nversion = "0.1.0"\nedition = "2021"\n' "$number" >"lib$number/Cargo.toml"
    echo "pub fn value() -> u32 { $number }" >"lib$number/src/lib.rs"
    echo "lib$number = { path = \"../lib$number\" }" >>app/Cargo.toml
    uses="$uses + lib$number::value()"
done
echo "fn main() { println!(\"{}\", 0 $uses); }" >app/src/main.rs
cargo build --offline --quiet
test "$(target/debug/app)" = 45
rm -rf "$HOME"
