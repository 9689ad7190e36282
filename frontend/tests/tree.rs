//! What can be asked of a parsed file: stages, mounts, triggers.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use iechor_frontend::ast::{
    BindMount, CacheMount, Escape, InstructionKind, Mount, MountAccess, MountFlag, Requirement,
    RunCommand, SecretMount, Sharing, Text, TmpfsMount,
};
use iechor_frontend::expand::Expander;
use iechor_frontend::{Code, Diagnostic, parse, parse_trigger};

fn mount_flag(mount: &str) -> MountFlag {
    let parsed = parse(format!("FROM a\nRUN --mount={mount} x"));
    assert!(!parsed.has_errors(), "{:#?}", parsed.diagnostics);
    match &parsed.file.stages[0].instructions[0].kind {
        InstructionKind::Run(run) => run.mounts[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn resolve(mount: &str) -> Result<Mount, Box<Diagnostic>> {
    let lookup = |name: &str| (name == "N").then(|| "7".to_owned());
    mount_flag(mount).resolve(&mut Expander::new(Escape::Backslash, &lookup))
}

#[test]
fn a_bind_mount_is_read_only_and_of_the_whole_context() {
    let bind = |access| {
        let (target, source) = ("/t".to_owned(), "/".to_owned());
        Ok(Mount::Bind(BindMount {
            target,
            from: None,
            source,
            access,
        }))
    };
    assert_eq!(resolve("target=/t"), bind(MountAccess::ReadOnly));
    assert_eq!(resolve("type=BIND,dst=/t,rw"), bind(MountAccess::ReadWrite));
    assert_eq!(
        resolve("type=bind,destination=/t,readonly=false"),
        bind(MountAccess::ReadWrite)
    );
}

#[test]
fn a_cache_mount_goes_by_its_target() {
    let cache = CacheMount {
        target: "/c7".into(),
        id: "/c7".into(),
        from: None,
        source: "/".into(),
        access: MountAccess::ReadWrite,
        sharing: Sharing::Shared,
        mode: 0o755,
        uid: 7,
        gid: 0,
    };
    assert_eq!(
        resolve("type=cache,target=/c$N,uid=${N}"),
        Ok(Mount::Cache(cache.clone()))
    );
    let other = CacheMount {
        id: "x".into(),
        sharing: Sharing::Locked,
        mode: 0o700,
        access: MountAccess::ReadOnly,
        ..cache
    };
    let text = "type=cache,target=/c7,uid=$N,id=x,sharing=locked,mode=0700,ro";
    assert_eq!(resolve(text), Ok(Mount::Cache(other)));
}

#[test]
fn a_tmpfs_mount_has_a_size() {
    for (size, bytes) in [
        ("64", 64),
        ("1k", 1 << 10),
        ("2MB", 2 << 20),
        ("1GiB", 1 << 30),
    ] {
        let tmpfs = TmpfsMount {
            target: "/t".into(),
            size: Some(bytes),
        };
        assert_eq!(
            resolve(&format!("type=tmpfs,target=/t,size={size}")),
            Ok(Mount::Tmpfs(tmpfs))
        );
    }
}

#[test]
fn a_secret_goes_by_its_id_source_or_target() {
    let secret = SecretMount {
        id: "key".into(),
        target: None,
        env: None,
        requirement: Requirement::Optional,
        mode: 0o400,
        uid: 0,
        gid: 0,
    };
    assert_eq!(
        resolve("type=secret,id=key"),
        Ok(Mount::Secret(secret.clone()))
    );
    assert_eq!(
        resolve("type=secret,src=key"),
        Ok(Mount::Secret(secret.clone()))
    );
    let target = SecretMount {
        target: Some("/etc/key".into()),
        ..secret.clone()
    };
    assert_eq!(
        resolve("type=secret,target=/etc/key"),
        Ok(Mount::Secret(target))
    );
    let env = SecretMount {
        env: Some("KEY".into()),
        requirement: Requirement::Required,
        ..secret
    };
    assert_eq!(
        resolve("type=secret,id=key,env=KEY,required"),
        Ok(Mount::Secret(env))
    );
}

#[test]
fn what_a_variable_decides_is_checked_when_it_is_known() {
    let error = resolve("type=cache,target=/x,mode=$N$N$N$N$N").unwrap_err();
    assert_eq!(error.code, Code::INVALID_MOUNT_OPTION);
    assert_eq!((error.span.line, error.span.column), (2, 39));
    assert_eq!(
        resolve("type=$unset,target=/x").unwrap_err().code,
        Code::UNKNOWN_MOUNT_TYPE
    );
    assert_eq!(
        resolve("target=/x${N").unwrap_err().code,
        Code::BAD_SUBSTITUTION
    );
}

#[test]
fn from_of_a_mount_is_known_before_expansion() {
    let flag = mount_flag("type=bind,from=base,target=/x$N");
    assert_eq!(flag.from().map(Text::raw), Some("base"));
    assert_eq!(mount_flag("target=/x").from(), None);
}

#[test]
fn stages_are_found_by_name_and_index() {
    let file = parse("FROM a AS one\nFROM b AS Two\nFROM c AS one\nFROM d").file;
    assert_eq!(file.stage("one", 4), Some(2), "the last one counts");
    assert_eq!(file.stage("ONE", 2), Some(0), "of those before");
    assert_eq!(file.stage("two", 4), Some(1));
    assert_eq!(file.stage("3", 4), Some(3));
    assert_eq!(file.stage("3", 3), None);
    assert_eq!(file.stage("three", 4), None);
}

#[test]
fn a_trigger_survives_the_image_that_holds_it() {
    let text = "FROM a\nONBUILD RUN --network=none <<-E \\\n  cat\n\tx\n\tE\n";
    let parsed = parse(text);
    let InstructionKind::Onbuild(onbuild) = &parsed.file.stages[0].instructions[0].kind else {
        panic!("not ONBUILD")
    };
    let stored = &onbuild.trigger.statement.original;
    let again = parse_trigger(stored, Escape::Backslash).unwrap();
    assert_eq!(
        again.statement.canonical,
        onbuild.trigger.statement.canonical
    );
    let InstructionKind::Run(run) = again.kind else {
        panic!("not RUN")
    };
    let RunCommand::ShellWithHeredocs { script, .. } = run.command else {
        panic!("no heredoc")
    };
    assert_eq!(script, "<<-E   cat\nx\nE");
}

#[test]
fn what_is_no_trigger_is_refused() {
    let codes = |text: &str| {
        let errors = parse_trigger(text, Escape::Backslash).unwrap_err();
        errors.iter().map(|error| error.code).collect::<Vec<_>>()
    };
    for text in [
        "",
        "# x\n",
        "FROM a",
        "ONBUILD RUN x",
        "MAINTAINER x",
        "RUN a\nRUN b",
    ] {
        assert_eq!(codes(text), [Code::INVALID_TRIGGER], "{text}");
    }
    assert_eq!(codes("RUNN x"), [Code::UNKNOWN_INSTRUCTION]);
    assert_eq!(codes("COPY x"), [Code::MISSING_ARGUMENT]);
}

#[test]
fn ways_to_write_the_same_have_one_canonical_text() {
    let canonical = |text: &str| {
        let parsed = parse(format!("FROM a\n{text}"));
        assert!(!parsed.has_errors(), "{:#?}", parsed.diagnostics);
        parsed.file.stages[0].instructions[0]
            .statement
            .canonical
            .clone()
    };
    let same = [
        ("RUN  x", "run \\\n# comment\n x"),
        ("COPY a b", "copy\ta   \\\n b"),
        ("CMD [\"a\",\"b\"]", "CMD  [ \"a\" , \"\\u0062\" ]"),
        ("ENV a=1 b=\"x  y\"", "ENV a=1 \\\n    b=\"x  y\""),
        ("COPY --chown=a a b", "COPY   --chown=a\ta  b"),
    ];
    same.iter()
        .for_each(|(one, other)| assert_eq!(canonical(one), canonical(other)));
    let different = [
        ("RUN a b", "RUN a  b"),
        ("RUN [\"a\"]", "RUN a"),
        ("ENV a=b c=d", "ENV a=\"b c=d\""),
        ("CMD -- --x", "CMD x"),
        ("RUN <<E\na\nE", "RUN <<E\nb\nE"),
    ];
    different
        .iter()
        .for_each(|(one, other)| assert_ne!(canonical(one), canonical(other)));
}
