//! Where the file is, and what kind of disk that is.

use std::path::{Path, PathBuf};

/// Where the history goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it is gone with the process.
    Memory,
    /// Into this file.
    File(PathBuf),
}

/// Whether the file is, or would be, on a disk of another machine. Where that cannot be told, it is not.
#[cfg(target_os = "linux")]
pub(super) fn is_on_network(path: &Path) -> bool {
    /// The magic numbers of `statfs(2)` and linux/magic.h: NFS, SMB, SMB2, CIFS, 9P, AFS, Ceph, Coda, FUSE (of which
    /// nobody can tell what is behind it), GFS2, Lustre, NCP, OCFS2.
    const ELSEWHERE: [u32; 13] = [
        0x0000_6969,
        0x0000_517b,
        0xfe53_4d42,
        0xff53_4d42,
        0x0102_1997,
        0x5346_414f,
        0x00c3_6400,
        0x7375_7245,
        0x6573_5546,
        0x0116_1970,
        0x0bd0_0bd0,
        0x0000_564c,
        0x7461_636f,
    ];
    // The field is wider than the numbers, and how wide differs between platforms.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers have 32 bits")]
    let kind = rustix::fs::statfs(path).map(|found| found.f_type as u32);
    kind.is_ok_and(|kind| ELSEWHERE.contains(&kind))
}

/// Whether the file is on a disk of another machine; nobody runs the daemon with one elsewhere than on Linux.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_on_network(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_is_no_disk_of_another_machine() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_on_network(folder.path()));
        assert!(!is_on_network(Path::new("/nonexistent")));
    }
}
