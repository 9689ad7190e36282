//! C17: prune takes what it says, children first, and nothing that is in use.

use std::collections::HashSet;

use iechor_cachedb::gc::{Filter, GcPlan, GcPolicy, GcReason, GcView, KeepReason};
use iechor_cachedb::{BuildStatus, NewImage, Record, RecordId, StepOutcome, UnixMillis};
use iechor_snapshotter::SnapshotId;
use proptest::prelude::*;

use crate::support::{
    Sizes, TestDb, from, new_build, new_image, new_record, new_step, nothing_leased, place,
    prune_all, run, snapshot,
};

fn plan(t: &TestDb, policy: &GcPolicy) -> GcPlan {
    let prunable = t.db.prunable(policy).unwrap();
    prunable.plan(nothing_leased(UnixMillis(0)), &mut Sizes::of(100))
}

fn going(plan: &GcPlan) -> Vec<RecordId> {
    plan.items
        .iter()
        .filter_map(iechor_cachedb::gc::GcItem::record)
        .collect()
}

fn filtered(filters: &[&str]) -> GcPolicy {
    let filters = filters.iter().map(|text| text.parse().unwrap()).collect();
    GcPolicy {
        filters,
        ..prune_all()
    }
}

/// FROM, two RUNs on it, one on the first of them.
fn small_tree(t: &TestDb) -> [Record; 4] {
    let base = t.base();
    let (a, b) = (t.run(&base, "a"), t.run(&base, "b"));
    let c = t.run(&a, "c");
    [base, a, b, c]
}

#[test]
fn all_goes_from_the_tips_least_recently_used_first() {
    let t = TestDb::new();
    let [base, a, b, c] = small_tree(&t);
    let plan = plan(&t, &prune_all());
    assert_eq!(going(&plan), [b.id, c.id, a.id, base.id]);
    assert_eq!(plan.bytes(), 400);
    assert!(
        plan.items
            .iter()
            .all(|item| item.reason == GcReason::Unused)
    );
}

#[test]
fn a_plan_changes_nothing_and_applying_it_leaves_no_row_behind() {
    let t = TestDb::new();
    let [base, ..] = small_tree(&t);
    let plan = plan(&t, &prune_all());
    assert!(t.db.record(base.id).unwrap().is_some());
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(9))).unwrap();
    assert_eq!((outcome.removed.len(), outcome.snapshots.len()), (4, 4));
    assert_eq!(t.db.records(&Default::default()).unwrap(), []);
    assert_eq!(t.db.referenced_snapshots().unwrap(), []);
    assert_eq!(t.db.lookup(None, &base.key).unwrap(), None);
    assert_eq!(t.db.check().unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_leased_stays_and_so_does_what_it_lies_on() {
    let t = TestDb::new();
    let [base, a, b, c] = small_tree(&t);
    let held = c.snapshot.unwrap();
    let view = GcView {
        now: UnixMillis(0),
        leased: &|id| *id == held,
    };
    let plan =
        t.db.prunable(&prune_all())
            .unwrap()
            .plan(view, &mut Sizes::of(100));
    assert_eq!(going(&plan), [b.id]);
    let kept: Vec<_> = plan.kept;
    assert_eq!(
        kept,
        [
            (base.id, KeepReason::HasKeptChild),
            (a.id, KeepReason::HasKeptChild),
            (c.id, KeepReason::Leased)
        ]
    );
}

#[test]
fn what_was_leased_used_or_built_on_since_the_plan_was_made_stays() {
    let t = TestDb::new();
    let [base, a, b, c] = small_tree(&t);
    let plan = plan(&t, &prune_all());
    t.db.touch(&[b.id], UnixMillis(5)).unwrap();
    let child = t.run(&c, "new");
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(9))).unwrap();
    assert_eq!(outcome.removed, []);
    let left = [base.id, a.id, b.id, c.id, child.id];
    assert!(left.iter().all(|id| t.db.record(*id).unwrap().is_some()));

    let plan = self::plan(&t, &prune_all());
    let view = GcView {
        now: UnixMillis(9),
        leased: &|id| Some(*id) == child.snapshot,
    };
    let outcome = t.db.apply_gc(&plan, view).unwrap();
    assert_eq!(
        outcome.removed.len(),
        1,
        "only b, on which nothing leased lies"
    );
}

#[test]
fn without_all_tagged_images_and_the_newest_build_keep_theirs() {
    let t = TestDb::new();
    let [base, a, b, c] = small_tree(&t);
    let old = t.run(&base, "old");
    t.db.put_image(
        &new_image(Some(&a), "{}"),
        &["docker.io/library/app:1".into()],
    )
    .unwrap();
    let build = t.db.begin_build(&new_build("iEchorfile")).unwrap();
    t.db.add_steps(build, &[new_step(1, StepOutcome::Miss, Some(&b))])
        .unwrap();
    t.db.finish_build(build, BuildStatus::Succeeded, None, UnixMillis(2))
        .unwrap();
    let plan = plan(&t, &GcPolicy::default());
    assert_eq!(going(&plan), [c.id, old.id]);
    assert!(plan.kept.contains(&(a.id, KeepReason::Image)));
    assert!(plan.kept.contains(&(b.id, KeepReason::NewestBuild)));
    assert!(
        plan.items
            .iter()
            .all(|item| item.reason == GcReason::Dangling)
    );
}

#[test]
fn a_failed_build_does_not_make_the_good_one_before_it_dangle() {
    let t = TestDb::new();
    let [_, _, b, _] = small_tree(&t);
    let steps = [new_step(1, StepOutcome::Miss, Some(&b))];
    let build = new_build("iEchorfile");
    t.db.log_build(&build, &steps, BuildStatus::Succeeded, None, UnixMillis(2))
        .unwrap();
    t.db.log_build(&build, &[], BuildStatus::Failed, None, UnixMillis(3))
        .unwrap();
    assert!(!going(&plan(&t, &GcPolicy::default())).contains(&b.id));
}

#[test]
fn an_image_keeps_its_layers_when_all_records_go() {
    let t = TestDb::new();
    let [_, a, ..] = small_tree(&t);
    t.db.put_image(
        &new_image(Some(&a), "{}"),
        &["docker.io/library/app:1".into()],
    )
    .unwrap();
    let plan = plan(&t, &prune_all());
    assert_eq!((plan.items.len(), plan.bytes()), (4, 300));
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(0))).unwrap();
    assert!(!outcome.snapshots.contains(&a.snapshot.unwrap()));
    assert_eq!(t.db.referenced_snapshots().unwrap(), [a.snapshot.unwrap()]);
    assert_eq!(t.db.images().unwrap()[0].record, None);
}

#[test]
fn a_budget_takes_no_more_than_it_must() {
    let t = TestDb::new();
    let [_, _, b, c] = small_tree(&t);
    let sizes = || Sizes {
        total: 400,
        free: 50,
        ..Sizes::of(100)
    };
    let take = |policy: GcPolicy| {
        let prunable = t.db.prunable(&policy).unwrap();
        prunable.plan(nothing_leased(UnixMillis(0)), &mut sizes())
    };
    let plan = take(GcPolicy {
        max_used: Some(250),
        ..prune_all()
    });
    assert_eq!(going(&plan), [b.id, c.id]);
    assert!(
        plan.items
            .iter()
            .all(|item| item.reason == GcReason::OverBudget)
    );
    assert_eq!(plan.kept.len(), 2);
    let plan = take(GcPolicy {
        min_free: Some(150),
        ..prune_all()
    });
    assert_eq!(
        (going(&plan), plan.items[0].reason),
        (vec![b.id], GcReason::LowDisk)
    );
    assert_eq!(
        take(GcPolicy {
            max_used: Some(400),
            ..prune_all()
        })
        .items,
        []
    );
    let plan = take(GcPolicy {
        max_used: Some(0),
        reserved: Some(300),
        ..prune_all()
    });
    assert_eq!(going(&plan), [b.id]);
}

#[test]
fn the_state_of_a_failed_step_can_be_pruned_alone_and_keeps_its_parent() {
    let t = TestDb::new();
    let [base, a, ..] = small_tree(&t);
    let mut failed = new_step(1, StepOutcome::Failed, None);
    failed.parent = Some(a.id);
    failed.snapshot = Some(snapshot("broken"));
    let build = new_build("iEchorfile");
    t.db.log_build(&build, &[failed], BuildStatus::Failed, None, UnixMillis(2))
        .unwrap();
    assert_eq!(t.db.failed_steps().unwrap().len(), 1);

    let spared = going(&plan(&t, &filtered(&["failed=false"])));
    assert!(!spared.contains(&a.id) && !spared.contains(&base.id));
    for filter in ["failed", "type=failed"] {
        let plan = plan(&t, &filtered(&[filter]));
        assert_eq!(
            (plan.items.len(), plan.items[0].reason),
            (1, GcReason::FailedState)
        );
    }
    let plan = plan(&t, &filtered(&["failed"]));
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(0))).unwrap();
    assert_eq!(outcome.snapshots, [snapshot("broken")]);
    assert_eq!(t.db.failed_steps().unwrap().len(), 0);
}

#[test]
fn the_steps_of_what_is_pruned_keep_when_it_was_and_the_others_have_nothing() {
    let t = TestDb::new();
    let [base, a, ..] = small_tree(&t);
    let steps = [(1, &base), (2, &a)]
        .map(|(number, record)| new_step(number, StepOutcome::Hit, Some(record)));
    let build = new_build("iEchorfile");
    let id =
        t.db.log_build(&build, &steps, BuildStatus::Succeeded, None, UnixMillis(2))
            .unwrap();
    let told = || {
        let steps = t.db.steps(id).unwrap().into_iter();
        steps
            .map(|step| (step.step.record, step.pruned))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(), [(Some(base.id), None), (Some(a.id), None)]);
    let mut plan = plan(&t, &prune_all());
    plan.items.retain(|item| item.record() != Some(base.id));
    t.db.apply_gc(&plan, nothing_leased(UnixMillis(77)))
        .unwrap();
    assert_eq!(
        told(),
        [(Some(base.id), None), (None, Some(UnixMillis(77)))]
    );
}

#[test]
fn a_state_that_two_builds_were_left_in_goes_once() {
    let t = TestDb::new();
    let [_, a, ..] = small_tree(&t);
    for when in [2, 3] {
        let mut failed = new_step(1, StepOutcome::Failed, None);
        failed.parent = Some(a.id);
        failed.snapshot = Some(snapshot("broken"));
        let build = new_build("iEchorfile");
        t.db.log_build(
            &build,
            &[failed],
            BuildStatus::Failed,
            None,
            UnixMillis(when),
        )
        .unwrap();
    }
    let plan = plan(&t, &filtered(&["failed"]));
    assert_eq!((plan.items.len(), plan.bytes()), (1, 100));
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(0))).unwrap();
    assert_eq!(outcome.snapshots, [snapshot("broken")]);
    assert_eq!(t.db.failed_steps().unwrap().len(), 0);
}

#[test]
fn an_image_without_a_name_goes_with_what_made_it() {
    let t = TestDb::new();
    let [_, a, _, c] = small_tree(&t);
    t.db.put_image(&new_image(Some(&c), "{}"), &[]).unwrap();
    t.db.put_image(
        &new_image(Some(&a), "{ }"),
        &["docker.io/library/app:1".into()],
    )
    .unwrap();
    let plan = plan(&t, &GcPolicy::default());
    let reasons: Vec<_> = plan.items.iter().map(|item| item.reason).collect();
    let dangling = GcReason::Dangling;
    assert_eq!(
        reasons,
        [dangling, GcReason::Nameless, dangling],
        "b, then c's image and c"
    );
    assert_eq!(
        plan.bytes(),
        200,
        "the image's layer goes with its record, once"
    );
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(0))).unwrap();
    assert_eq!(outcome.removed, plan.items);
    assert!(outcome.snapshots.contains(&c.snapshot.unwrap()));
    assert_eq!(t.db.images().unwrap().len(), 1);
}

#[test]
fn a_pulled_image_without_a_name_goes_for_itself_if_the_filters_mean_it() {
    let t = TestDb::new();
    let pulled = snapshot("pulled");
    let image = NewImage {
        chain: vec![pulled],
        ..new_image(None, "{}")
    };
    let id = t.db.put_image(&image, &[]).unwrap();
    for spared in ["type=run", "id=0000", "inuse", "stage!=x"] {
        assert_eq!(plan(&t, &filtered(&[spared])).items, [], "{spared}");
    }
    for meant in ["type=image", "until=1s", &format!("image={}", id.short())] {
        let view = nothing_leased(UnixMillis(2_000));
        let plan = t.db.prunable(&filtered(&[meant])).unwrap();
        let plan = plan.plan(view, &mut Sizes::of(7));
        assert_eq!((plan.items.len(), plan.bytes()), (1, 7), "{meant}");
    }
    let plan = plan(&t, &GcPolicy::default());
    t.db.tag(&id, "docker.io/library/kept:1").unwrap();
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(0))).unwrap();
    assert_eq!(outcome.removed, [], "it got a name meanwhile");
}

#[test]
fn an_image_without_a_name_is_what_its_record_is_and_an_image() {
    let t = TestDb::new();
    let base = t.base();
    let made = t.run(&base, "x");
    t.db.put_image(&new_image(Some(&made), "{}"), &[]).unwrap();
    let images = |plan: &GcPlan| {
        let images = plan.items.iter().filter(|item| item.record().is_none());
        images.count()
    };
    let id = format!("id={}", made.key.short());
    for (filter, with_image, records) in [
        ("type!=image", 0, 2),
        ("type=image", 1, 0),
        ("type=step", 1, 2),
        ("type=run", 1, 1),
        (id.as_str(), 1, 1),
        ("type!=run", 0, 0),
        ("file!=other", 1, 2),
        ("stage=0", 1, 2),
        ("until=0s", 1, 2),
    ] {
        let plan = plan(&t, &filtered(&[filter]));
        let told = (images(&plan), going(&plan).len());
        assert_eq!(told, (with_image, records), "{filter}");
    }
    let plan = plan(&t, &filtered(&["type!=image", "type=run"]));
    assert_eq!(plan.bytes(), 0, "the image keeps its layer");
    let outcome = t.db.apply_gc(&plan, nothing_leased(UnixMillis(0))).unwrap();
    assert_eq!((outcome.removed.len(), outcome.snapshots.len()), (1, 0));
    let rest = self::plan(&t, &filtered(&["type=image"]));
    assert_eq!((images(&rest), rest.bytes()), (1, 100));
}

#[test]
fn an_image_of_the_newest_build_stays_unless_all_is_asked() {
    let t = TestDb::new();
    let base = t.base();
    t.db.put_image(&new_image(Some(&base), "{}"), &[]).unwrap();
    let build = t.db.begin_build(&new_build("iEchorfile")).unwrap();
    let step = new_step(1, StepOutcome::Miss, Some(&base));
    t.db.add_steps(build, &[step]).unwrap();
    let policy = GcPolicy {
        filters: vec!["type=image".parse().unwrap()],
        ..GcPolicy::default()
    };
    assert_eq!(plan(&t, &policy).items, []);
    assert_eq!(plan(&t, &filtered(&["type=image"])).items.len(), 1);
}

#[test]
fn images_are_named_as_people_write_them() {
    let t = TestDb::new();
    let base = t.base();
    let made = t.run(&base, "x");
    let name = "docker.io/library/app:latest".to_owned();
    t.db.put_image(&new_image(Some(&made), "{}"), &[name])
        .unwrap();
    for image in ["app", "app:latest", "library/app", "docker.io/library/app"] {
        let plan = plan(&t, &filtered(&[&format!("image={image}"), "type=run"]));
        assert_eq!(going(&plan), [made.id], "{image}");
    }
    assert_eq!(plan(&t, &filtered(&["image=ap"])).items, []);
}

#[test]
fn filters_choose_by_what_they_say() {
    let t = TestDb::new();
    let base = t.base();
    let mut at = place(1);
    at.stage_name = Some("build".into());
    at.file = "deep/Dockerfile".into();
    let made = t.add(Some(&base), &run(Some(&base), "x", vec![]), &at);
    t.db.touch(&[made.id], UnixMillis(5_000)).unwrap();
    t.db.put_image(
        &new_image(Some(&made), "{}"),
        &["docker.io/library/app:1".into()],
    )
    .unwrap();
    let id = format!("id=sha256:{}", made.key.short());
    let means = [
        id.as_str(),
        "type=RUN",
        "type!=from",
        "type~=ru",
        "type=step",
        "type=regular",
        "stage=build",
        "stage~=bu*",
        "stage=0",
        "file=deep/Dockerfile",
        "file~=*/Dockerfile",
        "image~=app",
        "inuse",
        "inuse=true",
        "inuse!=false",
        "private",
        "shared=false",
        "until=5s",
        "unused-for=5s",
        "unused-for!=6s",
        "until=1970-01-01T00:00:06Z",
        "failed=0",
        "id!=ffffffffffff",
        "file=Dockerfile",
        "file=./deep/Dockerfile",
    ];
    for filter in means {
        let policy = filtered(&["type=run", filter]);
        let view = nothing_leased(UnixMillis(10_000));
        let plan =
            t.db.prunable(&policy)
                .unwrap()
                .plan(view, &mut Sizes::of(1));
        assert_eq!(going(&plan), [made.id], "{filter}");
    }
    let spares = [
        "id=0000000000000000",
        "type=copy",
        "type=from",
        "stage=other",
        "file=eDockerfile",
        "file=other/Dockerfile",
        "file!=deep/Dockerfile",
        "file!=Dockerfile",
        "image=other",
        "image!=docker.io/library/app:1",
        "inuse=false",
        "shared",
        "until=6s",
        "unused-for=6s",
        "until=1970-01-01",
        "failed",
        "type=meta",
    ];
    for filter in spares {
        let policy = filtered(&["type=run", filter]);
        let view = nothing_leased(UnixMillis(10_000));
        let plan =
            t.db.prunable(&policy)
                .unwrap()
                .plan(view, &mut Sizes::of(1));
        assert_eq!(going(&plan), [], "{filter}");
    }
}

#[test]
fn a_clock_that_went_backwards_prunes_nothing_by_age() {
    let t = TestDb::new();
    let [base, ..] = small_tree(&t);
    t.db.touch(&[base.id], UnixMillis(i64::MAX)).unwrap();
    assert!(!going(&plan(&t, &filtered(&["unused-for=1ms"]))).contains(&base.id));
}

#[test]
fn filters_that_are_not_understood_say_what_would_be() {
    let told = |text: &str| text.parse::<Filter>().unwrap_err().to_string();
    assert_eq!(
        told("colour=red"),
        "unknown filter \"colour\"; the filters are until, unused-for, id, type, stage, file, \
         image, failed, shared, private, inuse"
    );
    assert_eq!(
        told("shared=maybe"),
        "filter shared cannot be \"maybe\": give true or false"
    );
    assert_eq!(told("type"), "filter type cannot be \"\": it needs a value");
    assert_eq!(told("until~=24h"), "filter until takes = and != only");
    for unknown in ["foo", "internal", "ru"] {
        assert_eq!(
            told(&format!("type={unknown}")),
            format!(
                "filter type cannot be \"{unknown}\": give step, meta, commit, context, failed, \
                 image, layer, cache-mount, content, logs, leftover, or the word of an instruction, \
                 such as run"
            )
        );
    }
    assert!("type~=ru".parse::<Filter>().is_ok());
    assert!("type=exec.cachemount".parse::<Filter>().is_ok());
    assert!(told("until=yesterday").starts_with("filter until cannot be \"yesterday\": give"));
    assert!(told("unused-for=2026-11-22").starts_with("filter unused-for cannot be"));
}

/// A random forest: each record's parent is one before it, or none.
fn forest(t: &TestDb, parents: &[usize]) -> Vec<Record> {
    let mut made: Vec<Record> = Vec::new();
    for (index, choice) in parents.iter().enumerate() {
        let parent = made.get(choice % (index + 1)).cloned();
        let record = match &parent {
            None => {
                let recipe = from("base", &index.to_string());
                t.db.insert(&new_record(None, &recipe, &place(0)), &recipe)
                    .unwrap()
            }
            Some(parent) => t.run(parent, &format!("step {index}")),
        };
        made.push(record);
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_forest_a_prune_is_sound(
        parents in prop::collection::vec(0_usize..1000, 1..40),
        used in prop::collection::vec(0_usize..40, 0..20),
        leased in prop::collection::hash_set(0_usize..40, 0..4),
        budget in prop::option::of(0_u64..4000),
    ) {
        let t = TestDb::new();
        let records = forest(&t, &parents);
        for index in used {
            let id = records[index % records.len()].id;
            t.db.touch(&[id], UnixMillis(2)).unwrap();
        }
        let held: HashSet<SnapshotId> =
            leased.iter().filter_map(|index| records.get(*index)?.snapshot).collect();
        let view = GcView { now: UnixMillis(3), leased: &|id| held.contains(id) };
        let total = records.len() as u64 * 100;
        let policy = GcPolicy { max_used: budget, ..prune_all() };
        let mut sizes = Sizes { total, ..Sizes::of(100) };
        let plan = t.db.prunable(&policy).unwrap().plan(view, &mut sizes);

        let mut gone = HashSet::new();
        for item in &plan.items {
            let id = item.record().unwrap();
            let children = t.db.children(id).unwrap();
            prop_assert!(children.iter().all(|child| gone.contains(&child.id)), "a parent first");
            let snapshot = records.iter().find(|record| record.id == id).unwrap().snapshot;
            prop_assert!(!held.contains(&snapshot.unwrap()), "leased");
            prop_assert!(gone.insert(id), "twice");
        }
        prop_assert_eq!(gone.len() + plan.kept.len(), records.len());
        let left = total - plan.bytes();
        let movable = plan.kept.iter().any(|(_, why)| *why == KeepReason::WithinBudget);
        match budget {
            Some(budget) if movable => prop_assert!(left <= budget && left + 100 > budget || plan.items.is_empty()),
            _ => prop_assert!(!movable),
        }
        let outcome = t.db.apply_gc(&plan, view).unwrap();
        prop_assert_eq!(&outcome.removed, &plan.items);
        prop_assert_eq!(outcome.snapshots.len(), sizes.removed.len());
        let left: HashSet<_> = t.db.referenced_snapshots().unwrap().into_iter().collect();
        prop_assert!(outcome.snapshots.iter().all(|id| !left.contains(id)));
        prop_assert_eq!(t.db.check().unwrap(), Vec::<String>::new());
    }
}
