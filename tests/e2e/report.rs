//! `iechor report`: the page, opened in headless Chromium at two widths.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::TestEnv;
use crate::support::browser::{Page, data};

const WIDTHS: [u32; 2] = [1280, 420];

/// Two stages, one of which takes from the other; 300,000 bytes are overwritten and 200,000 deleted
/// later. An instruction and a file name try to break out of the page.
const PROJECT: &str = r#"FROM base AS made
ARG N=1
RUN head -c 400000 /dev/zero > /made; echo "</script><script>document.title='broken'</script> $N"
FROM base
COPY --from=made /made /big/made
RUN mkdir /d && head -c 300000 /dev/zero > /d/a && head -c 200000 /dev/zero > /d/b
RUN head -c 100000 /dev/zero > /d/a; rm /d/b; head -c 150000 /dev/zero > '/d/<img src=x onerror=alert(1)>'
LABEL a=b
"#;

fn project() -> TestEnv {
    let env = TestEnv::with_base();
    env.iechorfile(PROJECT);
    env
}

/// Writes the report of a build and gives its place and its data.
fn report(env: &TestEnv, build: &[&str]) -> (PathBuf, Value) {
    let path = env.path("build.html");
    let file = path.display().to_string();
    let args = [&["report", "-o", &file], build].concat();
    env.run(args).success().says("wrote the report of build ");
    let data = data(&fs::read_to_string(&path).unwrap());
    (path, data)
}

/// The boxes of a treemap: those with parts in them, and those without.
fn boxes(part: &Value) -> (usize, usize) {
    let parts = part["parts"].as_array().into_iter().flatten();
    let drawn: Vec<&Value> = parts.filter(|part| part["bytes"] != 0).collect();
    drawn.iter().fold((0, 0), |(dirs, leaves), part| {
        match part["parts"]
            .as_array()
            .is_some_and(|parts| !parts.is_empty())
        {
            true => {
                let inside = boxes(part);
                (dirs + 1 + inside.0, leaves + inside.1)
            }
            false => (dirs, leaves + 1),
        }
    })
}

#[test]
fn it_is_drawn_whole_at_two_widths() {
    let env = project();
    env.build(&["-t", "app"]).success();
    env.build(&["-t", "app", "--build-arg", "N=2"]).success();
    let (path, data) = report(&env, &[]);
    let layers: Vec<&Value> = data["image"]["layers"].as_array().unwrap().iter().collect();
    let drawn = layers.iter().filter(|layer| layer["bytes"] != 0).count();
    let inside = layers.iter().map(|layer| boxes(layer));
    let (dirs, leaves) = inside.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(
        (layers.len(), drawn),
        (4, 4),
        "the base's, COPY and two RUN"
    );
    for width in WIDTHS {
        let page = Page::open(&path, width);
        page.is_whole(width);
        assert_eq!(page.boxes("step"), 8);
        assert_eq!(page.boxes("node"), 8);
        assert_eq!(page.boxes("edge"), 7, "six in stages, one between them");
        assert_eq!(page.boxes("layer"), drawn);
        assert_eq!((page.boxes("dir"), page.boxes("leaf")), (dirs, leaves));
        assert_eq!(page.boxes("compared"), 8);
        assert!(page.has("ARG N 1 -&gt; 2"), "the changed input is named");
        assert!(page.has("document.title='broken'"), "shown as text");
        assert!(page.has("<title>Build 3 – iechor</title>"));
        assert!(!page.has("<img"), "a file name became markup");
    }
}

#[test]
fn the_image_is_taken_apart_by_layer_and_directory() {
    let env = project();
    env.build(&["-t", "app"]).success();
    let (_, data) = report(&env, &[]);
    let image = &data["image"];
    assert_eq!(image["wasted"], 500_000);
    let layers = image["layers"].as_array().unwrap();
    let of = |layer: &Value| (layer["bytes"].clone(), layer["wasted"].clone());
    assert_eq!(of(&layers[1]), (400_000.into(), 0.into()));
    assert_eq!(of(&layers[2]), (500_000.into(), 500_000.into()));
    assert_eq!(of(&layers[3]), (250_000.into(), 0.into()));
    let author = layers[2]["author"]["text"].as_str().unwrap();
    assert!(author.starts_with("RUN mkdir /d"), "{author}");
    let dir = &layers[2]["parts"][0];
    assert_eq!((&dir["name"], &dir["files"]), (&"d".into(), &2.into()));
    assert_eq!(dir["parts"][0]["name"], "a");
    let joined = &layers[1]["parts"][0];
    assert_eq!(joined["name"], "big/made");
    let sum: u64 = layers
        .iter()
        .map(|layer| layer["bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(image["bytes"].as_u64(), Some(sum));
}

#[test]
fn it_is_compared_with_the_build_before() {
    let env = project();
    env.build(&[]).success();
    let (_, first) = report(&env, &[]);
    assert!(first["previous"].is_null());
    env.iechorfile(&PROJECT.replace("LABEL a=b", "LABEL a=c\nLABEL d=e"));
    env.build(&[]).success();
    let (_, second) = report(&env, &[]);
    let previous = &second["previous"];
    assert_eq!(previous["build"]["id"], first["build"]["id"]);
    assert_eq!(previous["gone"], 0);
    let before = previous["steps"].as_array().unwrap();
    assert_eq!(before.len(), 8, "the ninth is new");
    assert_eq!(before[7]["text"], "LABEL a=b");
    assert_eq!(before[7]["outcome"], "miss");
    let (_, again) = report(&env, &[&first["build"]["id"].to_string()]);
    assert!(again["previous"].is_null());
}

#[test]
fn the_critical_path_goes_through_what_was_waited_for() {
    let env = TestEnv::with_base();
    env.build_text(
        "FROM base AS quick\nRUN echo > /quick\nFROM base AS slow\nRUN sleep 0.4; echo > /slow\n\
         FROM base\nCOPY --from=quick /quick /quick\nCOPY --from=slow /slow /slow\nRUN echo end\n",
        &[],
    )
    .success();
    let (_, data) = report(&env, &[]);
    assert_eq!(
        data["critical"]["steps"],
        serde_json::json!([3, 4, 5, 6, 7, 8])
    );
    assert!(data["critical"]["duration_ms"].as_u64().unwrap() >= 400);
}

#[test]
fn a_failed_build_has_a_report_too() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo a\nRUN exit 3\nRUN never\n", &[])
        .code(1);
    let (path, data) = report(&env, &[]);
    assert_eq!(data["build"]["status"], "failed");
    assert!(data["image"].is_null());
    let page = Page::open(&path, 420);
    page.is_whole(420);
    assert_eq!((page.boxes("step"), page.boxes("layer")), (3, 0));
    assert!(page.has("exit code 3"));
    assert!(page.has(" steps were executed, 1 failed."));
    env.build_text("FROM base\nRUN exit 4\n", &[]).code(1);
    let (path, _) = report(&env, &[]);
    let page = Page::open(&path, 420);
    assert!(page.has("1 step was executed, 1 failed."));
}

#[test]
fn an_image_of_many_small_files_is_drawn_coarsely() {
    let env = TestEnv::with_base();
    env.build_text(
        "FROM base\nRUN mkdir /many && cd /many && for i in $(seq 2000); do echo $i > $i; done\n",
        &[],
    )
    .success();
    let (path, data) = report(&env, &[]);
    let layer = &data["image"]["layers"][1];
    assert_eq!(layer["files"], 2000);
    assert!(boxes(layer).1 <= 2, "{layer}");
    Page::open(&path, 1280).is_whole(1280);
}

#[test]
fn it_goes_to_standard_output_and_asks_nobody() {
    let env = project();
    env.build(&[]).success();
    let page = env.run(["report", "-o", "-"]).success().stdout;
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    let without_svg = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!without_svg.contains("://"), "an address is in the page");
    assert_eq!(page.matches("</script>").count(), 2, "data and script");
}

#[test]
fn what_cannot_be_told_or_written_is_said() {
    let env = TestEnv::new();
    env.run(["report"])
        .code(1)
        .says("no build is in the history");
    env.run(["graph"])
        .code(1)
        .says("no build is in the history");
    env.build_text("FROM scratch\nLABEL a=b\n", &[]).success();
    env.run(["report", "99", "-o", "-"])
        .code(1)
        .says("no build 99");
    env.run(["report", "-o", "/nonexistent/x.html"])
        .code(1)
        .says("/nonexistent/x.html");
    let page = env.path("empty.html");
    env.run(["report", "-o", &page.display().to_string()])
        .success();
    let page = Page::open(&page, 1280);
    page.is_whole(1280);
    assert_eq!((page.boxes("step"), page.boxes("layer")), (2, 0));
}
