/// x
pub(crate) fn probe(_: &[String]) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
