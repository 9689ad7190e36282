//! A test runner that speaks like the one of the standard library.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

/// A name and what to run.
pub(crate) type Test = (&'static str, fn());

/// Makes a table of the named test functions of a module.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        /// The tests of this module.
        pub(crate) const TESTS: &[$crate::runner::Test] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}

/// Runs the tests whose names contain one of the arguments that are not options.
pub(crate) fn run(tests: &[Test], arguments: &[String]) -> ExitCode {
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let chosen = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(*f));
    let (run, left): (Vec<Test>, Vec<Test>) = tests.iter().partition(|(name, _)| chosen(name));
    if arguments.iter().any(|argument| argument == "--list") {
        run.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    println!("\nrunning {} tests", run.len());
    let failed = run.iter().filter(|test| !passes(test)).count();
    println!(
        "\ntest result: {}. {} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if failed == 0 { "ok" } else { "FAILED" },
        run.len() - failed,
        left.len(),
        start.elapsed().as_secs_f64(),
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn passes((name, test): &Test) -> bool {
    let passed = catch_unwind(test).is_ok();
    println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    passed
}
