//! Random steps on our overlay and on the reference model: each operation says what the model
//! expects, each step leaves the tree that the model has, and so does its commit.

use proptest::prelude::*;

use crate::model::Model;
use crate::random::{on_one, on_two, run_all, scripts};
use crate::suite::check_against;

/// Scripts of a normal test run.
const SCRIPTS: u32 = 500;

#[test]
fn random_steps_do_what_the_model_does() {
    run_all(
        SCRIPTS,
        || scripts(operation(), ""),
        |ground, script| check_against(ground, script, &mut Model::new()),
    );
}

/// What the model says of a few operations is what POSIX and the man pages say.
#[test]
fn the_model_knows_its_errors() {
    let mut model = Model::new();
    let (said, shown) = model.step(
        "mkdir d; mkdir d; create d/f 123; link d/f g; symlink loop loop; rmdir d; unlink d; \
         stat g; read loop; rename d d/e; ls g; append none x; chown g 1 2; write g 5 x; read d/f",
    );
    let words: Vec<_> = said
        .iter()
        .map(|said| said.split(": ").nth(1).unwrap())
        .collect();
    let expected = [
        "ok",
        "File exists (os error 17)",
        "ok",
        "ok",
        "ok",
        "Directory not empty (os error 39)",
        "Is a directory (os error 21)",
        "100666 0:0 2 links, 3 bytes",
        "Too many levels of symbolic links (os error 40)",
        "Invalid argument (os error 22)",
        "Not a directory (os error 20)",
        "No such file or directory (os error 2)",
        "ok",
        "ok",
        "6 123\\x00\\x00x",
    ];
    assert_eq!(words, expected);
    assert_eq!(shown.len(), 5);
}

fn operation() -> impl Strategy<Value = String> {
    prop_oneof![2 => on_one(&ON_ONE), 1 => on_two(&ON_TWO)]
}

const ON_ONE: [&str; 31] = [
    "mkdir P",
    "mkdir P 700",
    "rmdir P",
    "rmtree P",
    "unlink P",
    "unlink P",
    "create P 1",
    "create P 22",
    "exclusive P 3",
    "append P 4",
    "write P 2 55",
    "write P 6000 6",
    "resize P 1",
    "resize P 4500",
    "fill P 5000",
    "chmod P 640",
    "chmod P 4711",
    "chmod P 2755",
    "chown P 7 8",
    "setx P user.k v",
    "setx P trusted.k v",
    "rmx P user.k",
    "getx P trusted.k",
    "lsx P",
    "fifo P 600",
    "char P 1 3 600",
    "socket P 700",
    "stat P",
    "read P",
    "readlink P",
    "ls P",
];

const ON_TWO: [&str; 6] = [
    "rename P Q",
    "rename P Q",
    "exchange P Q",
    "rename-new P Q",
    "link P Q",
    "symlink Q P",
];
