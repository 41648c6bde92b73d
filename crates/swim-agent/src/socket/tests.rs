use super::*;

/// A new directory, removed with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("swim-agent-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("a.sock")
    }

    fn mode(&self) -> u32 {
        fs::metadata(&self.0).unwrap().mode() & 0o777
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refused(path: &Path, group: Option<&str>) -> ServeError {
    SocketFile::bind(path, group).map(drop).unwrap_err()
}

#[test]
fn nobody_else_gets_into_a_new_directory() {
    let folder = Folder::new("new");
    let (file, _listener) = SocketFile::bind(&folder.socket(), None).unwrap();
    assert_eq!(folder.mode(), 0o700);
    assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o777, 0o600);
    assert!(UnixStream::connect(folder.socket()).is_ok());
    drop(file);
    assert!(!folder.socket().exists());
}

#[test]
fn a_group_gets_in_where_it_is_given() {
    let folder = Folder::new("group");
    let own = rustix::process::getegid().as_raw().to_string();
    let (file, _listener) = SocketFile::bind(&folder.socket(), Some(&own)).unwrap();
    assert_eq!(folder.mode(), 0o750);
    assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o777, 0o660);
    drop(file);
    assert!(matches!(refused(&folder.socket(), None), ServeError::OpenDirectory { .. }));
    let error = refused(&folder.socket(), Some("no such group"));
    assert!(matches!(error, ServeError::NoGroup { .. }), "{error}");
}

#[test]
fn a_directory_that_others_can_enter_is_refused() {
    let folder = Folder::new("open");
    fs::create_dir(&folder.0).unwrap();
    for mode in [0o755, 0o701, 0o770, 0o720] {
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(mode)).unwrap();
        let error = refused(&folder.socket(), None);
        assert!(matches!(error, ServeError::OpenDirectory { .. }), "{error}");
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }
}

#[test]
fn a_symbolic_link_is_no_directory() {
    let folder = Folder::new("link");
    let link = Folder::new("link-to");
    fs::create_dir(&folder.0).unwrap();
    std::os::unix::fs::symlink(&folder.0, &link.0).unwrap();
    let error = refused(&link.socket(), None);
    fs::remove_file(&link.0).unwrap();
    assert!(matches!(error, ServeError::NoDirectory { .. }), "{error}");
}

#[test]
fn one_of_two_processes_gets_the_socket() {
    let folder = Folder::new("two");
    let first = SocketFile::bind(&folder.socket(), None).unwrap();
    let error = refused(&folder.socket(), None);
    assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
    drop(first);
    assert!(SocketFile::bind(&folder.socket(), None).is_ok());
}

#[test]
fn only_a_socket_that_refuses_connections_is_removed() {
    let folder = Folder::new("stale");
    drop(SocketFile::bind(&folder.socket(), None).unwrap());
    // A process that was killed leaves its socket behind.
    drop(UnixListener::bind(folder.socket()).unwrap());
    assert!(folder.socket().exists());
    assert!(SocketFile::bind(&folder.socket(), None).is_ok());

    // Another program listens, without the lock.
    let listener = UnixListener::bind(folder.socket()).unwrap();
    assert!(matches!(refused(&folder.socket(), None), ServeError::InUse { .. }));
    drop(listener);
    fs::remove_file(folder.socket()).unwrap();
    fs::write(folder.socket(), "notes").unwrap();
    assert!(matches!(refused(&folder.socket(), None), ServeError::NoSocket { .. }));
    assert_eq!(fs::read_to_string(folder.socket()).unwrap(), "notes");
}

#[test]
fn a_path_that_is_too_long_is_refused_with_the_reason() {
    let folder = Folder::new("long");
    let path = folder.0.join("x".repeat(SOCKET_PATH_SIZE_MAX));
    let told = refused(&path, None).to_string();
    assert!(told.contains(&format!("at most {SOCKET_PATH_SIZE_MAX}")), "{told}");
    assert!(!folder.0.exists());
    let rest = SOCKET_PATH_SIZE_MAX - folder.0.as_os_str().len() - 1;
    assert!(SocketFile::bind(&folder.0.join("x".repeat(rest)), None).is_ok());
}
