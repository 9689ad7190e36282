//! Images, layers, the history, memos, witnesses and validators.

use iechor_cachedb::{
    BuildId, BuildStatus, CacheError, CompressedLayer, FileTime, HttpValidators, LayerDigests,
    NewBuild, RecordId, StatMemo, StatStamp, StepOutcome, UnixMillis, Witness,
};
use iechor_snapshotter::{DiffId, Digest};

use crate::support::{TestDb, digest, new_build, new_image, new_step, snapshot};

const APP: &str = "docker.io/library/app:latest";

#[test]
fn an_image_is_found_by_name_and_by_id() {
    let t = TestDb::new();
    let made = t.base();
    let id =
        t.db.put_image(&new_image(Some(&made), "{}"), &[APP.into()])
            .unwrap();
    assert_eq!(id, Digest::of(b"{}"));
    let image = t.db.image_by_name(APP).unwrap().unwrap();
    assert_eq!((image.id, image.names.clone()), (id, vec![APP.to_owned()]));
    assert_eq!(
        (image.record, image.chain.clone()),
        (Some(made.id), vec![made.snapshot.unwrap()])
    );
    for prefix in [id.short(), id.to_string(), "sha256:44".to_owned()] {
        assert_eq!(t.db.image_by_prefix(&prefix).unwrap(), image);
    }
    assert!(matches!(
        t.db.image_by_prefix("ff"),
        Err(CacheError::NotFound { .. })
    ));
    assert_eq!(
        t.db.image_by_name("docker.io/library/none:latest").unwrap(),
        None
    );
}

#[test]
fn a_name_moves_to_the_newer_image_and_the_older_one_stays_nameless() {
    let t = TestDb::new();
    let old =
        t.db.put_image(&new_image(None, "{\"old\":1}"), &[APP.into()])
            .unwrap();
    let new =
        t.db.put_image(&new_image(None, "{\"new\":1}"), &[APP.into()])
            .unwrap();
    assert_eq!(t.db.image_by_name(APP).unwrap().unwrap().id, new);
    assert_eq!(
        t.db.image_by_prefix(&old.short()).unwrap().names,
        Vec::<String>::new()
    );
    t.db.tag(&old, "docker.io/library/app:old").unwrap();
    assert!(t.db.untag(APP).unwrap());
    assert!(!t.db.untag(APP).unwrap());
    assert_eq!(t.db.images().unwrap().len(), 2);
    assert!(t.db.remove_image(&new).unwrap());
    assert!(!t.db.remove_image(&new).unwrap());
    let error = t.db.tag(&new, APP).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no image \"{new}\" in the cache")
    );
}

#[test]
fn an_image_put_again_keeps_its_other_names() {
    let t = TestDb::new();
    let image = new_image(None, "{}");
    t.db.put_image(&image, &[APP.into()]).unwrap();
    t.db.put_image(&image, &["docker.io/library/app:2".into()])
        .unwrap();
    assert_eq!(
        t.db.images().unwrap()[0].names,
        ["docker.io/library/app:2", APP]
    );
}

#[test]
fn ambiguous_image_ids_are_listed() {
    let t = TestDb::new();
    for number in 0..17 {
        t.db.put_image(&new_image(None, &number.to_string()), &[])
            .unwrap();
    }
    let ambiguous = "0123456789abcdef".chars().any(|digit| {
        matches!(
            t.db.image_by_prefix(&digit.to_string()),
            Err(CacheError::Ambiguous { .. })
        )
    });
    assert!(ambiguous);
}

#[test]
fn layers_are_remembered_by_snapshot_and_by_media_type() {
    let t = TestDb::new();
    let diff_id = DiffId::new(digest("tar"));
    let layer = LayerDigests {
        diff_id,
        tar_size: 10_240,
    };
    t.db.put_layer(&snapshot("a"), layer).unwrap();
    assert_eq!(t.db.layer(&snapshot("a")).unwrap(), Some(layer));
    assert_eq!(t.db.layer(&snapshot("b")).unwrap(), None);
    assert_eq!(t.db.snapshots_of_layer(&diff_id).unwrap(), [snapshot("a")]);
    let gzip = CompressedLayer {
        digest: digest("gz"),
        size: 99,
    };
    t.db.put_compressed_layer(&diff_id, "tar+gzip", gzip)
        .unwrap();
    assert_eq!(
        t.db.compressed_layer(&diff_id, "tar+gzip").unwrap(),
        Some(gzip)
    );
    assert_eq!(t.db.compressed_layer(&diff_id, "tar+zstd").unwrap(), None);
}

#[test]
fn the_history_tells_of_builds_and_their_steps() {
    let t = TestDb::new();
    let made = t.base();
    let first = t.db.begin_build(&new_build("iEchorfile")).unwrap();
    assert_eq!(
        t.db.build(first).unwrap().unwrap().status,
        BuildStatus::Running
    );
    let mut steps = [
        new_step(1, StepOutcome::Hit, Some(&made)),
        new_step(2, StepOutcome::Miss, Some(&made)),
    ];
    steps[1].place.stage_name = Some("slim".into());
    t.db.add_steps(first, &steps).unwrap();
    t.db.finish_build(
        first,
        BuildStatus::Succeeded,
        Some(&digest("i")),
        UnixMillis(7),
    )
    .unwrap();

    let second =
        t.db.log_build(
            &new_build("other"),
            &[],
            BuildStatus::Failed,
            None,
            UnixMillis(8),
        )
        .unwrap();
    let newest_first: Vec<_> =
        t.db.builds(9)
            .unwrap()
            .iter()
            .map(|build| build.id)
            .collect();
    assert_eq!(newest_first, [second, first]);
    assert_eq!(
        t.db.last_build().unwrap().unwrap().status,
        BuildStatus::Failed
    );
    let build = t.db.build(first).unwrap().unwrap();
    assert_eq!(
        (build.finished, build.image),
        (Some(UnixMillis(7)), Some(digest("i")))
    );
    let read = t.db.steps(first).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(
        (read[0].step.label.as_str(), read[0].step.begun_ms),
        ("[build 1/9]", 3)
    );
    assert_eq!(read[0].step.takes_from, [0, 2]);
    assert_eq!(read[0].step.setup.as_deref(), Some("{\"argv\":[\"make\"]}"));
    for stage in ["slim", "0"] {
        let step = t.db.last_step_of_stage(stage).unwrap().unwrap().step;
        assert_eq!((step.number, step.record), (2, Some(made.id)));
    }
    assert!(t.db.last_step_of_stage("none").unwrap().is_none());
    assert!(
        t.db.step_by_number(1).unwrap().is_none(),
        "the newest build has no steps"
    );
    assert!(t.db.delete_build(second).unwrap());
    assert!(!t.db.delete_build(second).unwrap());
    assert_eq!(
        t.db.step_by_number(1).unwrap().unwrap().step.outcome,
        StepOutcome::Hit
    );
}

#[test]
fn the_build_before_is_of_the_same_file_context_and_target() {
    let t = TestDb::new();
    let begin = |file: &str, context: &str, target: Option<&str>| {
        let build = NewBuild {
            context: context.to_owned(),
            target: target.map(str::to_owned),
            ..new_build(file)
        };
        t.db.begin_build(&build).unwrap()
    };
    let first = begin("f", ".", None);
    let second = begin("f", ".", None);
    begin("g", ".", None);
    begin("f", "/x", None);
    let aimed = begin("f", ".", Some("slim"));
    let third = begin("f", ".", None);
    assert_eq!(t.db.build_before(third).unwrap(), Some(second));
    assert_eq!(t.db.build_before(second).unwrap(), Some(first));
    assert_eq!(t.db.build_before(first).unwrap(), None);
    assert_eq!(t.db.build_before(aimed).unwrap(), None);
    assert_eq!(
        t.db.build_before(begin("f", ".", Some("slim"))).unwrap(),
        Some(aimed)
    );
}

#[test]
fn a_step_whose_record_is_gone_is_still_written() {
    let t = TestDb::new();
    let mut step = new_step(1, StepOutcome::Hit, None);
    step.record = Some(RecordId(4711));
    let build = t.db.begin_build(&new_build("iEchorfile")).unwrap();
    t.db.add_steps(build, &[step]).unwrap();
    assert_eq!(t.db.steps(build).unwrap()[0].step.record, None);
}

#[test]
fn the_state_of_a_failed_step_is_found_until_it_is_forgotten() {
    let t = TestDb::new();
    let mut failed = new_step(3, StepOutcome::Failed, None);
    failed.snapshot = Some(snapshot("broken"));
    let build = new_build("iEchorfile");
    t.db.log_build(&build, &[failed], BuildStatus::Failed, None, UnixMillis(2))
        .unwrap();
    let found = t.db.failed_steps().unwrap();
    assert_eq!(found[0].step.snapshot, Some(snapshot("broken")));
    assert_eq!(t.db.referenced_snapshots().unwrap(), [snapshot("broken")]);
    t.db.forget_failed_state(found[0].id).unwrap();
    assert!(t.db.failed_steps().unwrap().is_empty());
    assert_eq!(t.db.steps(found[0].build).unwrap().len(), 1);
}

#[test]
fn c6_a_memo_holds_for_exactly_one_stamp() {
    let t = TestDb::new();
    let time = |nanos| FileTime { secs: 1, nanos };
    let stamp = StatStamp {
        dev: u64::MAX,
        ino: 2,
        size: 3,
        mtime: time(4),
        ctime: time(5),
    };
    t.db.put_stat_memos(&[StatMemo {
        stamp,
        content: digest("x"),
    }])
    .unwrap();
    let others = [
        StatStamp { dev: 1, ..stamp },
        StatStamp { ino: 9, ..stamp },
        StatStamp { size: 9, ..stamp },
        StatStamp {
            mtime: time(9),
            ..stamp
        },
        StatStamp {
            ctime: time(9),
            ..stamp
        },
    ];
    assert_eq!(t.db.stat_memos(&others).unwrap(), [None; 5]);
    assert_eq!(
        t.db.stat_memos(&[others[0], stamp]).unwrap(),
        [None, Some(digest("x"))]
    );
    let newer = StatStamp {
        ctime: time(6),
        ..stamp
    };
    t.db.put_stat_memos(&[StatMemo {
        stamp: newer,
        content: digest("y"),
    }])
    .unwrap();
    assert_eq!(
        t.db.stat_memos(&[stamp, newer]).unwrap(),
        [None, Some(digest("y"))]
    );
}

#[test]
fn c6_a_witness_names_the_files_whose_change_time_moved() {
    let t = TestDb::new();
    let made = t.base();
    let at = |path: &str, secs| (path.as_bytes().to_vec(), FileTime { secs, nanos: 0 });
    let then = Witness {
        root_dev: 1,
        root_ino: 2,
        ctimes: vec![at("a", 1), at("b", 1), at("d", 1)],
    };
    t.db.put_witness(made.id, &then).unwrap();
    let kept = t.db.witness(made.id).unwrap().unwrap();
    assert_eq!(kept, then);
    let now = Witness {
        ctimes: vec![at("a", 1), at("b", 2), at("c", 9)],
        ..then.clone()
    };
    assert_eq!(kept.moved(&now), [b"b"]);
    assert!(
        kept.moved(&Witness { root_ino: 3, ..now }).is_empty(),
        "another copy of the context"
    );
    assert_eq!(t.db.witness(RecordId(99)).unwrap(), None);
    t.db.put_witness(RecordId(99), &then).unwrap();
    assert_eq!(t.db.witness(RecordId(99)).unwrap(), None);
}

#[test]
fn what_a_command_was_run_with_goes_with_its_record() {
    let t = TestDb::new();
    let made = t.base();
    assert_eq!(t.db.run_setup(made.id).unwrap(), None);
    t.db.put_run_setup(made.id, "{}").unwrap();
    t.db.put_run_setup(made.id, "{\"argv\":[]}").unwrap();
    let kept = t.db.run_setup(made.id).unwrap();
    assert_eq!(kept.as_deref(), Some("{\"argv\":[]}"));
    t.db.put_run_setup(RecordId(99), "{}").unwrap();
    assert_eq!(t.db.run_setup(RecordId(99)).unwrap(), None);
}

#[test]
fn the_surroundings_of_a_step_are_what_its_stage_said_last_before_it() {
    let t = TestDb::new();
    let base = t.base();
    let made = t.run(&base, "make");
    let of_stage = |number: u32, stage: u32, surroundings: Option<&str>| {
        let mut step = new_step(number, StepOutcome::Hit, Some(&made));
        (step.place.stage_index, step.place.position) = (stage, number % 10);
        step.surroundings = surroundings.map(str::to_owned);
        step
    };
    let steps = [
        of_stage(3, 0, None),
        of_stage(2, 0, Some("two")),
        of_stage(1, 0, Some("one")),
        of_stage(11, 1, None),
        of_stage(10, 1, None),
    ];
    let mut build = new_build("iEchorfile");
    let mut told = Vec::new();
    for _ in 0..2 {
        let id =
            t.db.log_build(&build, &steps, BuildStatus::Succeeded, None, UnixMillis(2))
                .unwrap();
        let kept = t.db.steps(id).unwrap();
        told = kept
            .iter()
            .map(|step| t.db.surroundings(step.id).unwrap())
            .collect();
        build.target = Some("other".to_owned());
    }
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told, [some("one"), some("two"), some("two"), None, None]);
    let newest = t.db.last_step_of_record(made.id).unwrap().unwrap();
    assert_eq!((newest.build, newest.step.number), (BuildId(2), 11));
    assert!(t.db.last_step_of_record(base.id).unwrap().is_none());
}

#[test]
fn c8_validators_of_a_url_are_replaced_by_newer_ones() {
    let t = TestDb::new();
    let first = HttpValidators {
        etag: Some("\"1\"".into()),
        last_modified: None,
        content: digest("1"),
        size: 1,
        file_name: None,
        fetched: UnixMillis(1),
    };
    let second = HttpValidators {
        etag: None,
        file_name: Some("f".into()),
        ..first.clone()
    };
    for validators in [first, second] {
        t.db.put_http_validators("http://localhost/f", &validators)
            .unwrap();
        let known = t.db.http_validators("http://localhost/f").unwrap();
        assert_eq!(known, Some(validators));
    }
    assert_eq!(t.db.http_validators("http://localhost/g").unwrap(), None);
}
