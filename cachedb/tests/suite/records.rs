//! Records: what is inserted is found again, and nothing else is.

use crate::support::{TestDb, boot, from, ids, new_record, place, run};
use iechor_cachedb::{
    BootId, CacheDb, CacheError, Durability, Input, RecordFilter, RecordId, UnixMillis,
};

#[test]
fn c2_switching_between_two_versions_of_an_instruction_hits_both() {
    let t = TestDb::new();
    let base = t.base();
    let (one, two) = (t.run(&base, "echo 1"), t.run(&base, "echo 2"));
    for version in [&one, &two, &one] {
        assert_eq!(
            t.db.lookup(Some(base.id), &version.key).unwrap().as_ref(),
            Some(version)
        );
    }
    let other = run(Some(&base), "echo 3", vec![]).key();
    assert_eq!(t.db.lookup(Some(base.id), &other).unwrap(), None);
}

#[test]
fn a_child_of_another_parent_is_no_hit() {
    let t = TestDb::new();
    let base = t.base();
    let first = t.run(&base, "date");
    let child = t.run(&first, "make");
    let again = t.run(&base, "date");
    assert_eq!(first.key, again.key);
    assert_eq!(
        t.db.lookup(Some(base.id), &first.key).unwrap().unwrap().id,
        again.id
    );
    assert_eq!(t.db.lookup(Some(again.id), &child.key).unwrap(), None);
    assert_eq!(
        t.db.lookup(Some(first.id), &child.key).unwrap().unwrap().id,
        child.id
    );
}

#[test]
fn a_record_restores_the_config_and_the_recipe_it_was_made_by() {
    let t = TestDb::new();
    let base = t.base();
    let inputs = vec![
        Input::arg("V", "1"),
        Input::secret("npm", [("target".into(), "/x".into())].into()),
    ];
    let recipe = run(Some(&base), "make", inputs);
    let made = t.add(Some(&base), &recipe, &place(1));
    let db = t.again();
    assert_eq!(db.record(made.id).unwrap(), Some(made.clone()));
    assert_eq!(db.config(made.id).unwrap(), "{\"after\":\"RUN make\"}");
    assert_eq!(db.recipe(made.id).unwrap(), recipe);
    assert_eq!(recipe.key(), made.key);
}

#[test]
fn a_record_on_a_parent_that_is_gone_is_refused() {
    let t = TestDb::new();
    let recipe = run(None, "make", vec![]);
    let mut new = new_record(None, &recipe, &place(1));
    new.parent = Some(RecordId(77));
    let error = t.db.insert(&new, &recipe).unwrap_err();
    assert_eq!(error.to_string(), "no parent record \"77\" in the cache");
}

#[test]
fn ancestors_lead_to_from_and_children_are_in_order() {
    let t = TestDb::new();
    let base = t.base();
    let a = t.run(&base, "a");
    let b = t.run(&a, "b");
    let c = t.run(&a, "c");
    assert_eq!(ids(&t.db.ancestors(b.id).unwrap()), [b.id, a.id, base.id]);
    assert_eq!(ids(&t.db.children(a.id).unwrap()), [b.id, c.id]);
    assert_eq!(t.db.previous_at(&place(2)).unwrap().unwrap().id, c.id);
}

#[test]
fn uses_are_counted_in_their_order_whatever_the_clock_says() {
    let t = TestDb::new();
    let base = t.base();
    let (a, b) = (t.run(&base, "a"), t.run(&base, "b"));
    assert!(a.use_sequence < b.use_sequence);
    t.db.touch(&[a.id], UnixMillis(-5)).unwrap();
    let a = t.db.record(a.id).unwrap().unwrap();
    assert!(a.use_sequence > b.use_sequence);
    assert_eq!((a.hits, a.last_used), (1, UnixMillis(-5)));
}

#[test]
fn a_prefix_finds_by_key_and_by_snapshot_and_lists_what_is_ambiguous() {
    let t = TestDb::new();
    let base = t.base();
    let made: Vec<_> = (0..40)
        .map(|i| t.run(&base, &format!("echo {i}")))
        .collect();
    for record in &made {
        assert_eq!(
            t.db.find_by_prefix(&record.key.short()).unwrap().id,
            record.id
        );
        let snapshot = record.snapshot.unwrap().to_string();
        assert_eq!(t.db.find_by_prefix(&snapshot).unwrap().id, record.id);
    }
    // 82 digests in 16 first digits: some digit has two.
    let ambiguous = "0123456789abcdef".chars().any(|digit| {
        matches!(t.db.find_by_prefix(&digit.to_string()),
            Err(CacheError::Ambiguous { candidates, .. }) if candidates.len() >= 2)
    });
    assert!(ambiguous);
    for bad in ["", "xyz", "sha256:", &"0".repeat(65), "ABCDEF"] {
        assert!(
            matches!(t.db.find_by_prefix(bad), Err(CacheError::NotFound { .. })),
            "{bad:?}"
        );
    }
}

#[test]
fn a_listing_keeps_to_its_filter() {
    let t = TestDb::new();
    let base = t.base();
    let mut elsewhere = place(1);
    elsewhere.stage_name = Some("build".to_owned());
    elsewhere.stage_index = 3;
    let made = t.add(Some(&base), &run(Some(&base), "x", vec![]), &elsewhere);
    let list = |filter: RecordFilter| ids(&t.db.records(&filter).unwrap());
    assert_eq!(list(RecordFilter::default()), [base.id, made.id]);
    for stage in ["build", "3"] {
        let stage = Some(stage.to_owned());
        assert_eq!(
            list(RecordFilter {
                stage,
                ..RecordFilter::default()
            }),
            [made.id]
        );
    }
    let kind = Some("run".to_owned());
    assert_eq!(
        list(RecordFilter {
            kind,
            ..RecordFilter::default()
        }),
        [made.id]
    );
    let file = Some("other".to_owned());
    assert_eq!(
        list(RecordFilter {
            file,
            ..RecordFilter::default()
        }),
        []
    );
}

#[test]
fn a_reboot_drops_sealed_records_and_what_was_made_on_them() {
    let t = TestDb::new();
    let base = t.base();
    let durable = t.run(&base, "durable");
    let recipe = run(Some(&base), "sealed", vec![]);
    let mut new = new_record(Some(&base), &recipe, &place(1));
    new.durability = Durability::Sealed;
    let sealed = t.db.insert(&new, &recipe).unwrap();
    let child = t.run(&sealed, "child");
    assert_eq!(sealed.durability, Durability::Sealed);

    let same = t.again();
    assert!(
        same.lookup(Some(base.id), &sealed.key).unwrap().is_some(),
        "same boot: still good"
    );
    let path = t.path();
    let next = CacheDb::open(&path, BootId("next boot".to_owned())).unwrap();
    assert_eq!(next.lookup(Some(base.id), &sealed.key).unwrap(), None);
    assert_eq!(next.record(child.id).unwrap(), None);
    assert!(next.lookup(Some(base.id), &durable.key).unwrap().is_some());
    assert_eq!(next.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_record_marked_durable_outlives_the_boot() {
    let t = TestDb::new();
    let recipe = from("debian:12", "one");
    let mut new = new_record(None, &recipe, &place(0));
    new.durability = Durability::Sealed;
    let sealed = t.db.insert(&new, &recipe).unwrap();
    t.db.mark_durable(&[sealed.id]).unwrap();
    let next = CacheDb::open(&t.path(), BootId("next boot".to_owned())).unwrap();
    let found = next.lookup(None, &sealed.key).unwrap().unwrap();
    assert_eq!(found.durability, Durability::Durable);
    assert_eq!(boot(), BootId("this boot".to_owned()));
}
