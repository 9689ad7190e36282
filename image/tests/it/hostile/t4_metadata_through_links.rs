//! Metadata of what a link points to (T4).

use super::*;

#[test]
fn a_directory_entry_below_a_link_is_no_chmod_of_its_target() {
    use std::os::unix::fs::PermissionsExt;
    let store = store();
    let before = std::fs::metadata(store.outside())
        .unwrap()
        .permissions()
        .mode();
    let layer = tar().symlink("d", &store.outside()).dir_mode("d/.", 0o777);
    let chain = store.layer(&Chain::empty(), &layer.end()).unwrap();
    assert_eq!(store.listing(&chain), ["d777 d"]);
    assert_eq!(
        std::fs::metadata(store.outside())
            .unwrap()
            .permissions()
            .mode(),
        before
    );
}
