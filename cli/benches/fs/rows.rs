//! What is timed: each row is a script that runs in the mount, in this order.

/// Whether the row finds the kernel's caches as the rows before it left them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caches {
    /// Dropped before it.
    Cold,
    /// As they are.
    Kept,
}

/// One row of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) caches: Caches,
    pub(crate) script: &'static str,
}

const fn cold(name: &'static str, script: &'static str) -> Row {
    Row {
        name,
        caches: Caches::Cold,
        script,
    }
}

const fn kept(name: &'static str, script: &'static str) -> Row {
    Row {
        name,
        caches: Caches::Kept,
        script,
    }
}

/// Looks at every inode.
const FIND: &str = "find . -printf '%s %m %T@\\n' >/dev/null";
/// Reads every file.
const GREP: &str = "! grep -rq 'in no file of the tree' tree";
const FSYNC: &str = "mkdir synced; python3 -c '\nimport os\n\
                     for n in range(2000):\n with open(f\"synced/{n}\", \"w\") as f:\n  \
                     f.write(\"x\" * 1000); f.flush(); os.fsync(f.fileno())'";
const FIO_WRITE: &str = "fio --rw=randwrite --name=w --filename=large --size=1g --io_size=128m \
                         --bs=4k --ioengine=psync --randrepeat=1 --output=/dev/null";
const FIO_READ: &str = "fio --rw=randread --name=r --filename=large --size=1g --io_size=128m \
                        --bs=4k --ioengine=psync --randrepeat=1 --output=/dev/null";

/// On one lower directory of 20,000 files and 300 MB.
pub(crate) fn on_a_tree() -> Vec<Row> {
    vec![
        cold(
            "first touch: one directory",
            "ls -l tree/77 >/dev/null; cat tree/77/* >/dev/null",
        ),
        cold("find + stat, first", FIND),
        kept("find + stat, again", FIND),
        cold("grep -r, first", GREP),
        kept("grep -r, again", GREP),
        kept("cp -a of the tree", "cp -a tree copy"),
        kept(
            "tar x of 20,000 files",
            "mkdir out; tar -C out -xf $IN/tree.tar",
        ),
        kept("git clone", "git clone -q --no-hardlinks repository clone"),
        kept("git status", "git -C clone status >/dev/null"),
        kept("2,000 files, each fsynced", FSYNC),
        kept(
            "python3 starts, 20 times",
            "for n in $(seq 20); do PYTHONHOME=$PWD/usr python3 -c \
             'import asyncio, email, http.client, json, unittest, xml.dom.minidom'; done",
        ),
        kept(
            "cc of a small file, 10 times",
            "for n in $(seq 10); do cc -c -o small.o project/unit-1.c -Iproject; done",
        ),
        kept("C project of 150 units", "make -s -C project -j2"),
        kept(
            "dpkg -i of packages",
            "dpkg --root=$PWD --force-all --no-triggers -i $IN/*.deb >/dev/null",
        ),
        kept(
            "2 GiB written",
            "dd if=/dev/zero of=large bs=1M count=2048 status=none",
        ),
        kept("2 GiB read", "dd if=large of=/dev/null bs=1M status=none"),
        cold(
            "300 MB file of a lower read, cold",
            "dd if=lower-large of=/dev/null bs=1M status=none",
        ),
        kept("fio, 4k random writes", FIO_WRITE),
        kept("fio, 4k random reads", FIO_READ),
        kept("2 GiB removed", "rm large"),
        kept("rm -rf of new files", "rm -rf copy out"),
        kept("rm -rf of lower files", "rm -rf tree"),
    ]
}

/// On 100 lower directories of 200 files each.
pub(crate) fn on_a_long_chain() -> Vec<Row> {
    vec![
        cold("100 layers: find + stat, first", FIND),
        kept("100 layers: find + stat, again", FIND),
        cold("100 layers: grep -r, first", GREP),
        kept("100 layers: grep -r, again", GREP),
    ]
}
