use super::*;

/// As docker writes it, nulls and all.
const DOCKER: &str = r#"{
  "architecture": "arm64", "variant": "v8", "os": "linux", "os.version": "1",
  "created": "2024-05-01T10:00:00.123456789Z", "author": "A", "docker_version": "20.10",
  "config": {
    "Hostname": "", "User": "app:app", "ExposedPorts": {"80/tcp": {}}, "Env": ["B=2", "A=1"],
    "Entrypoint": null, "Cmd": ["/bin/sh"], "Volumes": null, "WorkingDir": "/srv", "OnBuild": null,
    "Labels": {"z": "1", "a": "2"}, "StopSignal": "SIGTERM", "ArgsEscaped": true,
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30000000000, "Retries": 3},
    "Shell": ["/bin/bash", "-c"]
  },
  "rootfs": {"type": "layers", "diff_ids":
    ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},
  "history": [{"created": "2024-05-01T10:00:00Z", "created_by": "COPY", "comment": "c"},
    {"created_by": "CMD", "empty_layer": true}]
}"#;

fn docker() -> ImageConfig {
    ImageConfig::parse(DOCKER.as_bytes()).unwrap()
}

fn text(config: &ImageConfig) -> String {
    String::from_utf8(config.to_bytes().unwrap()).unwrap()
}

#[test]
fn what_docker_writes_is_read() {
    let config = docker();
    assert_eq!(config.platform().to_string(), "linux/arm64");
    assert_eq!(config.diff_ids().unwrap().len(), 1);
    let run = &config.config;
    assert_eq!(run.env, ["B=2", "A=1"]);
    assert_eq!(
        (
            run.entrypoint.as_ref(),
            run.volumes.len(),
            run.on_build.len()
        ),
        (None, 0, 0)
    );
    assert!(run.exposed_ports.contains("80/tcp"));
    let health = run.healthcheck.as_ref().unwrap();
    assert_eq!((health.interval, health.retries), (30_000_000_000, 3));
    assert!(config.history[1].empty_layer);
}

#[test]
fn what_is_read_is_written_back_with_what_is_not_known() {
    let config = docker();
    let again = ImageConfig::parse(text(&config).as_bytes()).unwrap();
    assert_eq!(again, config);
    assert_eq!(text(&again), text(&config));
    assert_eq!(config.extra["docker_version"], "20.10");
    assert_eq!(config.config.extra["Hostname"], "");
    assert!(text(&config).contains(r#""docker_version":"20.10""#));
}

#[test]
fn fields_have_one_order() {
    let mut config = ImageConfig::scratch(&"linux/amd64".parse().unwrap());
    config.config.labels.insert("b".into(), "1".into());
    config.config.labels.insert("a".into(), "1".into());
    config.config.exposed_ports.insert("80/tcp".into());
    config.config.cmd = Some(Vec::new());
    let expected = concat!(
        r#"{"architecture":"amd64","config":{"ExposedPorts":{"80/tcp":{}},"Cmd":[],"#,
        r#""Labels":{"a":"1","b":"1"}},"history":[],"os":"linux","#,
        r#""rootfs":{"type":"layers","diff_ids":[]}}"#
    );
    assert_eq!(text(&config), expected);
}

#[test]
fn hostile_configurations_are_refused() {
    let error = |text: &str| ImageConfig::parse(text.as_bytes()).unwrap_err().to_string();
    let with = |config: &str| format!(r#"{{"config": {config}, "rootfs": {{"type": "layers"}}}}"#);
    for (field, value) in [
        ("User", r#""root\u0000x""#),
        ("Env", r#"["A=\u0000"]"#),
        ("Cmd", r#"["\u0000"]"#),
        ("Entrypoint", r#"["a", "\u0000"]"#),
        ("Shell", r#"["\u0000"]"#),
        ("WorkingDir", r#""/\u0000""#),
    ] {
        let message = error(&with(&format!("{{\"{field}\": {value}}}")));
        assert_eq!(
            message,
            format!("image configuration has a NUL byte in {field}")
        );
    }
    let twice = with(r#"{"User": "a", "User": "b"}"#);
    for bad in [
        "",
        "[]",
        "{}",
        &with("[]"),
        &with(r#"{"Env": "A=1"}"#),
        &twice,
    ] {
        assert_eq!(error(bad), "image configuration is not valid", "{bad}");
    }
    let diff_id = r#"{"rootfs": {"type": "layers", "diff_ids": ["sha512:00"]}}"#;
    assert!(error(diff_id).contains("diff ID"));
    let large = format!("{}{DOCKER}", " ".repeat(1 << 20));
    assert!(error(&large).ends_with("at most 1048576 are read"));
}
