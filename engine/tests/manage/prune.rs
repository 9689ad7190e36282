//! Prunes: what they plan they do, and what they report the disk gets back (rule C17).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant, SystemTime};

use iechor_cachedb::{BuildStatus, NewBuild, NewStep, StepOutcome, UnixMillis};
use iechor_engine::progress::Silent;
use iechor_engine::prune::{self, Filter, PruneItem, PruneReport, PruneRequest, Scope};
use iechor_engine::request::{OutputKind, PullPolicy};
use iechor_engine::usage::{self, UsageKind};
use iechor_engine::{Engine, Settings, StepId, images, logs, sources};
use iechor_snapshotter::Chain;

use crate::support::{NOW, TestState, amd64, output_to, step};

fn text(of: char, blocks: usize) -> String {
    of.to_string().repeat(4096 * blocks)
}

/// Blocks of all files below the state directory but those of the database.
fn on_disk(state: &TestState) -> u64 {
    ["blobs", "layers", "content", "cache-mounts", "logs"]
        .iter()
        .flat_map(|dir| state.files(dir))
        .map(|path| fs::metadata(path).unwrap().blocks() * 512)
        .sum()
}

/// Plans and applies; what is freed must be what was planned, and what the disk got back.
fn prune(state: &TestState, request: &PruneRequest) -> PruneReport {
    let plan = prune::plan(&state.engine, request, NOW).unwrap();
    let before = on_disk(state);
    let planned = (
        plan.bytes(),
        plan.items().map(PruneItem::into_owned).collect(),
    );
    let report = prune::apply(&state.engine, plan).unwrap();
    assert_eq!((report.bytes, report.items.clone()), planned);
    let directories: u64 = report
        .items
        .iter()
        .filter(|item| matches!(item.record.kind, UsageKind::CacheMount | UsageKind::Logs))
        .map(|_| 4096)
        .sum();
    let freed = before - on_disk(state);
    assert!(
        report.bytes >= freed && report.bytes <= freed + 2 * directories,
        "{report:#?}"
    );
    report
}

fn filtered(filters: &[&str]) -> PruneRequest {
    let filters = filters.iter().map(|text| text.parse().unwrap()).collect();
    PruneRequest {
        filters,
        ..PruneRequest::everything()
    }
}

fn texts(report: &PruneReport) -> Vec<&str> {
    report.items.iter().map(|item| &*item.record.text).collect()
}

#[test]
fn everything_goes_children_before_parents() {
    let state = TestState::new();
    let base = state.layer(
        &Chain::empty(),
        &[("a", &text('a', 2)), ("s", &text('s', 1))],
    );
    let top = state.layer(&base, &[("b", &text('b', 3)), ("t", &text('s', 1))]);
    let from = state.record(None, "FROM a", &base);
    let run = state.record(Some(&from), "RUN b", &top);
    state.record(Some(&run), "CMD c", &top);
    let report = prune(&state, &PruneRequest::everything());
    assert_eq!(texts(&report), ["CMD c", "RUN b", "FROM a"]);
    for dir in ["layers", "blobs"] {
        assert!(state.files(dir).is_empty(), "{dir}");
    }
    let again = prune(&state, &PruneRequest::everything());
    assert!(again.items.is_empty());
}

#[test]
fn the_layers_below_a_base_go_with_its_from() {
    let state = TestState::new();
    let lower = state.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    let base = state.layer(&lower, &[("b", &text('b', 2))]);
    state.record(None, "FROM two-layers", &base);
    let report = prune(&state, &PruneRequest::everything());
    assert!(report.bytes >= 4 * 4096);
    assert!(state.files("layers").is_empty());
}

#[test]
fn an_image_keeps_its_layers_until_it_has_no_name() {
    let state = TestState::new();
    let chain = state.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    state.record(None, "FROM a", &chain);
    state.finish(&chain, &["app"], &[]);
    prune(&state, &PruneRequest::everything());
    assert!(state.engine.store().contains(chain.tip().unwrap()));
    images::inspect(&state.engine, "app").unwrap();
    // The name moves; nothing needs the old image any more.
    let other = state.layer(&Chain::empty(), &[("a", &text('o', 2))]);
    state.finish(&other, &["app"], &[]);
    let report = prune(&state, &PruneRequest::default());
    assert_eq!(texts(&report), ["image without a name"]);
    assert!(!state.engine.store().contains(chain.tip().unwrap()));
    assert!(state.engine.store().contains(other.tip().unwrap()));
}

#[test]
fn what_is_leased_stays_with_all_below_it() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    let top = state.layer(&base, &[("b", &text('b', 2))]);
    let from = state.record(None, "FROM a", &base);
    state.record(Some(&from), "RUN b", &top);
    let lease = state.engine.leases().take(top.tip().unwrap()).unwrap();
    let report = prune(&state, &PruneRequest::everything());
    assert!(report.items.is_empty(), "{report:#?}");
    drop(lease);
    assert_eq!(prune(&state, &PruneRequest::everything()).items.len(), 2);
}

#[test]
fn what_is_leased_after_the_plan_stays() {
    let state = TestState::new();
    let chain = state.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    state.record(None, "FROM a", &chain);
    let plan = prune::plan(&state.engine, &PruneRequest::everything(), NOW).unwrap();
    let _lease = state.engine.leases().take(chain.tip().unwrap()).unwrap();
    let report = prune::apply(&state.engine, plan).unwrap();
    assert!(report.items.is_empty() && report.bytes == 0, "{report:#?}");
    assert!(state.engine.store().contains(chain.tip().unwrap()));
}

#[test]
fn what_the_newest_build_used_stays_without_all() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", &text('a', 1))]);
    let from = state.record(None, "FROM a", &base);
    let old = state.record(
        Some(&from),
        "RUN old",
        &state.layer(&base, &[("o", &text('o', 1))]),
    );
    state.build(&[&from, &old]);
    let new = state.record(
        Some(&from),
        "RUN new",
        &state.layer(&base, &[("n", &text('n', 1))]),
    );
    state.build(&[&from, &new]);
    let report = prune(&state, &PruneRequest::default());
    assert_eq!(texts(&report), ["RUN old"]);
    assert_eq!(report.items[0].reason, "dangling");
}

#[test]
fn filters_take_just_what_they_name() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", &text('a', 1))]);
    let from = state.record(None, "FROM a", &base);
    state.record(
        Some(&from),
        "RUN one",
        &state.layer(&base, &[("1", &text('1', 1))]),
    );
    let copy = state.layer(&base, &[("2", &text('2', 1))]);
    let copy = state.record(Some(&from), "COPY two", &copy);
    fs::create_dir_all(state.engine.root().join("cache-mounts/0123/data")).unwrap();
    assert_eq!(texts(&prune(&state, &filtered(&["type=run"]))), ["RUN one"]);
    let key = format!("id={}", &copy.key.hex()[..12]);
    assert_eq!(texts(&prune(&state, &filtered(&[&key]))), ["COPY two"]);
    assert!(
        prune(&state, &filtered(&["until=9999h"])).items.is_empty(),
        "all is new"
    );
    assert_eq!(
        texts(&prune(&state, &filtered(&["type=cache-mount"]))),
        ["0123"]
    );
}

#[test]
fn whatever_there_is_can_be_named_by_its_type() {
    let words = iechor_frontend::ast::Keyword::ALL.map(iechor_frontend::ast::Keyword::name);
    let kinds = [
        UsageKind::Step,
        UsageKind::Layer,
        UsageKind::Image,
        UsageKind::CacheMount,
        UsageKind::Failed,
        UsageKind::Content,
        UsageKind::Logs,
        UsageKind::Leftover,
    ];
    let ours = ["commit", "context", "meta"];
    for name in kinds.map(UsageKind::name).iter().chain(&words).chain(&ours) {
        let filter = format!("type={name}").parse::<Filter>();
        assert!(filter.is_ok(), "{name}: {filter:?}");
    }
}

#[test]
fn an_unknown_filter_lists_the_known_ones() {
    let error = "colour=red".parse::<Filter>().unwrap_err();
    assert!(
        error.to_string().contains("until, unused-for, id, type"),
        "{error}"
    );
    assert!("until=soon".parse::<Filter>().is_err());
}

#[test]
fn a_cap_takes_no_more_than_it_must() {
    let state = TestState::new();
    let mut layers = Vec::new();
    for name in ["1", "2", "3", "4"] {
        let chain = state.layer(&Chain::empty(), &[(name, &text('x', 9).replace('x', name))]);
        state.record(None, &format!("FROM {name}"), &chain);
        layers.push(chain.tip().unwrap());
    }
    let max_used = Some(on_disk(&state) - 4096);
    let request = PruneRequest {
        max_used,
        ..PruneRequest::everything()
    };
    let report = prune(&state, &request);
    assert_eq!(texts(&report), ["FROM 1"], "least recently used");
    assert!(
        layers[1..]
            .iter()
            .all(|layer| state.engine.store().contains(*layer))
    );
    let enough = PruneRequest {
        max_used: Some(u64::MAX),
        ..PruneRequest::everything()
    };
    assert!(prune(&state, &enough).items.is_empty());
}

#[test]
fn a_cap_counts_what_lies_beside_the_store() {
    let state = TestState::new();
    let chain = state.layer(&Chain::empty(), &[("a", &text('a', 9))]);
    state.record(None, "FROM a", &chain);
    let mount = state.engine.root().join("cache-mounts/0123/data");
    fs::create_dir_all(&mount).unwrap();
    fs::write(mount.join("file"), text('m', 20)).unwrap();
    let before = usage::usage(&state.engine).unwrap().total;
    let cap = |max_used| PruneRequest {
        max_used: Some(max_used),
        ..PruneRequest::everything()
    };
    assert!(prune(&state, &cap(before)).items.is_empty());
    let report = prune(&state, &cap(before - 1));
    assert_eq!(texts(&report), ["FROM a"], "a step is made again sooner");
    assert_eq!(texts(&prune(&state, &cap(4096))), ["0123"]);
}

#[test]
fn a_floor_ends_it_and_free_space_asks_for_it() {
    let state = TestState::new();
    for name in ["1", "2", "3"] {
        let chain = state.layer(&Chain::empty(), &[(name, &text('x', 9).replace('x', name))]);
        state.record(None, &format!("FROM {name}"), &chain);
    }
    let third = on_disk(&state) / 3;
    let floor = |reserved| PruneRequest {
        reserved: Some(reserved),
        ..PruneRequest::everything()
    };
    assert!(prune(&state, &floor(3 * third)).items.is_empty());
    assert_eq!(texts(&prune(&state, &floor(2 * third))), ["FROM 1"]);
    let capped = PruneRequest {
        max_used: Some(0),
        ..floor(2 * third)
    };
    assert!(
        prune(&state, &capped).items.is_empty(),
        "the floor is above the cap"
    );
    let free = |min_free| PruneRequest {
        min_free: Some(min_free),
        ..PruneRequest::everything()
    };
    assert!(
        prune(&state, &free(0)).items.is_empty(),
        "the disk has that"
    );
    let plan = prune::plan(&state.engine, &free(u64::MAX), NOW).unwrap();
    assert_eq!(plan.count(), 2, "no disk has that");
    assert!(plan.items().all(|item| item.reason == "disk space is low"));
}

#[test]
fn a_filter_that_names_nothing_beside_the_store_leaves_it_alone() {
    let state = TestState::new();
    fs::create_dir_all(state.engine.root().join("cache-mounts/0123/data")).unwrap();
    let unnamed = |filters: &[&str]| PruneRequest {
        scope: Scope::Unused,
        ..filtered(filters)
    };
    for filter in ["until=2026-01-01", "type!=run", "private"] {
        assert!(
            prune(&state, &unnamed(&[filter])).items.is_empty(),
            "{filter}"
        );
    }
    for filter in [
        "stage!=x",
        "file~=*",
        "image!=app",
        "shared",
        "inuse",
        "type!=cache-mount",
    ] {
        assert!(
            prune(&state, &filtered(&[filter])).items.is_empty(),
            "{filter}"
        );
    }
    let request = unnamed(&["id~=12", "private", "inuse=false"]);
    assert_eq!(texts(&prune(&state, &request)), ["0123"]);
}

#[test]
fn what_crashes_left_goes() {
    let state = TestState::new();
    state.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    state
        .engine
        .store()
        .blobs()
        .put(text('z', 3).as_bytes())
        .unwrap();
    let report = prune(&state, &PruneRequest::default());
    assert!(
        report
            .items
            .iter()
            .all(|item| item.record.kind == UsageKind::Leftover)
    );
    assert_eq!(report.items.len(), 2);
    assert!(state.files("layers").is_empty() && state.files("blobs").is_empty());
}

#[test]
fn failed_states_go() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", &text('a', 1))]);
    let from = state.record(None, "FROM a", &base);
    let left = state.layer(&base, &[("half", &text('h', 1))]);
    let failed = NewStep {
        text: "RUN false".to_owned(),
        record: None,
        parent: Some(from.id),
        snapshot: left.tip(),
        outcome: StepOutcome::Failed,
        ..step(&from, 1)
    };
    state.history(&[step(&from, 0), failed.clone()], BuildStatus::Failed);
    // Two builds that failed in the same way left one state.
    state.history(&[step(&from, 0), failed], BuildStatus::Failed);
    let report = prune(&state, &PruneRequest::everything());
    assert_eq!(texts(&report), ["RUN false", "FROM a"]);
    assert_eq!(report.items[0].record.kind, UsageKind::Failed);
}

#[test]
fn contents_stay_as_long_as_their_layers() {
    let state = TestState::new();
    let maker = TestState::new();
    let path = state.path("image.tar");
    let chain = maker.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    maker.finish(&chain, &["app"], &[output_to(OutputKind::Oci, &path)]);
    let spec = format!("oci-archive://{}", path.display());
    let policy = PullPolicy::IfMissing;
    let engine = &state.engine;
    let image = sources::resolve(engine, &spec, &amd64(), policy, &Silent, StepId(0)).unwrap();
    let from = state.record(None, "FROM app", &image.chain);
    state.build(&[&from]);
    drop(image);
    prune(&state, &PruneRequest::default());
    let contents = || state.engine.content().list().unwrap().len();
    assert_eq!(contents(), 1, "the layer; no image has the documents");
    let report = prune(&state, &PruneRequest::everything());
    assert!(
        report
            .items
            .iter()
            .any(|item| item.record.kind == UsageKind::Content)
    );
    assert_eq!(contents(), 0);
}

#[test]
fn exported_layers_can_be_made_again_and_go_with_all() {
    let state = TestState::new();
    let chain = state.layer(&Chain::empty(), &[("a", &text('a', 2))]);
    let output = output_to(OutputKind::Oci, &state.path("image.tar"));
    let first = state.finish(&chain, &["app"], std::slice::from_ref(&output));
    assert!(prune(&state, &PruneRequest::default()).items.is_empty());
    assert_eq!(prune(&state, &PruneRequest::everything()).items.len(), 1);
    let second = state.finish(&chain, &["app"], &[output]);
    assert_eq!(first.manifest, second.manifest);
}

#[test]
fn a_cache_mount_in_use_stays() {
    let state = TestState::new();
    let dir = state.engine.root().join("cache-mounts/0123");
    fs::create_dir_all(dir.join("data")).unwrap();
    fs::write(dir.join("id"), "npm").unwrap();
    let lock = fs::File::create(dir.join("lock")).unwrap();
    lock.lock_shared().unwrap();
    assert!(prune(&state, &PruneRequest::everything()).items.is_empty());
    lock.unlock().unwrap();
    assert!(
        prune(&state, &PruneRequest::default()).items.is_empty(),
        "only with -a"
    );
    assert_eq!(texts(&prune(&state, &PruneRequest::everything())), ["npm"]);
    assert!(!dir.exists());
}

/// The log of a step, in a directory that no build holds.
fn start_log(state: &TestState, build: i64, step: StepId) -> fs::File {
    let log = logs::path(&state.engine, build, step);
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    logs::create(&state.engine, build, step).unwrap()
}

#[test]
fn what_killed_builds_left_without_a_name_goes_after_a_while() {
    let state = TestState::new();
    let long_ago = SystemTime::now() - Duration::from_secs(600);
    let unnamed = [".begins-now", ".begins-then"].map(|name| {
        let dir = state.engine.root().join("logs").join(name);
        fs::create_dir_all(&dir).unwrap();
        dir
    });
    let then = fs::File::open(&unnamed[1]).unwrap();
    then.set_modified(long_ago).unwrap();
    prune(&state, &PruneRequest::default());
    assert_eq!(unnamed.map(|dir| dir.exists()), [true, false]);
}

#[test]
fn logs_of_all_but_the_last_build_go_with_all() {
    let state = TestState::new();
    let base = state.layer(&Chain::empty(), &[("a", "1")]);
    let from = state.record(None, "FROM a", &base);
    let builds = [state.build(&[&from]), state.build(&[&from])];
    for build in builds {
        use std::io::Write;
        let mut log = start_log(&state, build.0, StepId(3));
        log.write_all(b"hello\n").unwrap();
    }
    assert!(prune(&state, &PruneRequest::default()).items.is_empty());
    prune(
        &state,
        &PruneRequest {
            scope: Scope::All,
            ..filtered(&["type=logs"])
        },
    );
    let error = logs::open(&state.engine, builds[0].0, StepId(3)).unwrap_err();
    assert!(error.to_string().contains("step 4 of build 1"), "{error}");
    assert_eq!(
        logs::steps(&state.engine, builds[1].0).unwrap(),
        [StepId(3)]
    );
    assert!(logs::steps(&state.engine, builds[0].0).is_err());
}

#[test]
fn a_build_that_began_since_the_plan_keeps_its_logs_and_its_row() {
    let state = TestState::new();
    let first = state.history(&[], BuildStatus::Succeeded);
    // As if the prune had seen the directory of the next build, which that holds locked, and not its
    // row.
    drop(start_log(&state, first.0 + 1, StepId(1)));
    let log = logs::path(&state.engine, first.0 + 1, StepId(1));
    let dir = fs::File::open(log.parent().unwrap()).unwrap();
    dir.lock_shared().unwrap();
    let plan = prune::plan(&state.engine, &PruneRequest::default(), NOW).unwrap();
    assert_eq!(plan.count(), 1);
    let build = NewBuild {
        started: UnixMillis(NOW * 1000),
        file: "iEchorfile".to_owned(),
        context: "/src".to_owned(),
        target: None,
        tags: Vec::new(),
    };
    let begun = state.engine.cache().begin_build(&build).unwrap();
    assert_eq!(begun.0, first.0 + 1);
    let report = prune::apply(&state.engine, plan).unwrap();
    assert!(report.items.is_empty());
    assert!(state.engine.cache().build(begun).unwrap().is_some());
    assert!(logs::path(&state.engine, begun.0, StepId(1)).exists());
}

#[test]
fn imports_and_prunes_at_once_disturb_each_other_in_nothing() {
    let state = TestState::new();
    let maker = TestState::new();
    let mut chain = Chain::empty();
    for name in ["1", "2", "3"] {
        chain = maker.layer(&chain, &[(name, &text('x', 2).replace('x', name))]);
    }
    let path = state.path("image.tar");
    maker.finish(&chain, &["app"], &[output_to(OutputKind::Oci, &path)]);
    let spec = format!("oci-archive://{}", path.display());
    let deadline = Instant::now() + Duration::from_secs(2);
    let import = || {
        // A process of its own, as far as locks are concerned.
        let engine = Engine::open(state.engine.root(), Settings::default()).unwrap();
        let mut rounds = 0;
        while Instant::now() < deadline {
            let policy = PullPolicy::IfMissing;
            let image =
                sources::resolve(&engine, &spec, &amd64(), policy, &Silent, StepId(0)).unwrap();
            for layer in image.chain.layers() {
                assert!(engine.store().contains(layer.id()), "leased, and yet gone");
                engine.store().verify(layer.id()).unwrap();
            }
            rounds += 1;
        }
        rounds
    };
    let (imported, pruned) = std::thread::scope(|scope| {
        let imports = [scope.spawn(import), scope.spawn(import)];
        let mut pruned = 0;
        while Instant::now() < deadline {
            let plan = prune::plan(&state.engine, &PruneRequest::everything(), NOW).unwrap();
            pruned += prune::apply(&state.engine, plan).unwrap().bytes;
        }
        (
            imports
                .map(|import| import.join().unwrap())
                .iter()
                .sum::<u32>(),
            pruned,
        )
    });
    assert!(
        imported > 2 && pruned > 0,
        "{imported} imports, {pruned} bytes pruned"
    );
    prune(&state, &PruneRequest::everything());
    assert!(state.files("layers").is_empty() && state.files("blobs").is_empty());
}
