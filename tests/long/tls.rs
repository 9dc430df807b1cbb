//! HTTPS of the program: the authority that is kept for all starts, given certificates, and the messages for wrong files.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rcgen::{CertificateParams, KeyPair};
use reqwest::Certificate;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::program::{Program, assert_fails, command, outputs_of_a_start, run};

/// A directory that the user of PostgreSQL can enter, and the path of a data directory in it.
fn data_directory() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    (folder, data)
}

fn print_authority(data: &str) -> String {
    let output = run(&["tls-ca", "--data-dir", data]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Sends a request to a host name, which is resolved to the program, and returns the status.
#[tokio::main(flavor = "current_thread")]
async fn https_status(program: &Program, authority: &str, host: &str) -> u16 {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let address: SocketAddr = program.address().parse().unwrap();
    let authority = Certificate::from_pem(authority.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).resolve(host, address).build().unwrap();
    let url = format!("https://{host}:{}/_emulator/health", address.port());
    client.get(url).send().await.unwrap().status().as_u16()
}

/// Writes a certificate that signs itself and its key. Returns the paths and the certificate.
fn write_certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    let paths = (folder.join(format!("{name}.pem")), folder.join(format!("{name}-key.pem")));
    fs::write(&paths.0, &certificate).unwrap();
    fs::write(&paths.1, key.serialize_pem()).unwrap();
    (paths.0, paths.1, certificate)
}

#[test]
fn one_authority_is_trusted_before_the_first_start_and_for_every_start() {
    let (_folder, data) = data_directory();
    let authority = print_authority(&data);
    assert!(
        authority.starts_with("-----BEGIN CERTIFICATE-----\n") && authority.ends_with("-----END CERTIFICATE-----\n")
    );
    let key = fs::metadata(Path::new(&data).join("tls/ca-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);

    let program = Program::start(&["--tls", "--data-dir", &data]);
    assert_eq!(https_status(&program, &authority, "localhost"), 200);
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200);
    assert_eq!(program.end(Signal::TERM), (Some(0), String::new()));

    let hosts = ["--allowed-hosts", "one.example,.shop.example"];
    let program = Program::start(&[&["--tls", "--ephemeral", "--data-dir", &data], &hosts[..]].concat());
    for host in ["localhost", "one.example", "a.shop.example"] {
        assert_eq!(https_status(&program, &authority, host), 200, "{host}");
    }
    assert_eq!(print_authority(&data), authority);
}

#[test]
fn the_log_says_where_https_is_served_and_which_authority_to_trust() {
    let (_folder, data) = data_directory();
    let (printed, log) = outputs_of_a_start("127.0.0.1:0", &["--tls", "--data-dir", &data]);
    let port = printed.trim().strip_prefix("voucherify-emulator ready on http://127.0.0.1:").unwrap();
    assert!(log.contains(&format!("also on https://localhost:{port}")), "{log}");
    assert!(log.contains("/data/tls/ca.pem") && log.contains("voucherify-emulator tls-ca"), "{log}");
}

#[test]
fn concurrent_commands_create_one_authority() {
    let (_folder, data) = data_directory();
    let start = || command(&["tls-ca", "--data-dir", &data]).stdout(Stdio::piped()).spawn().unwrap();
    let children: Vec<_> = (0..8).map(|_| start()).collect();
    let printed: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap().stdout).collect();
    assert!(printed.iter().all(|one| !one.is_empty() && *one == printed[0]));
    assert_eq!(fs::read_dir(Path::new(&data).join("tls")).unwrap().count(), 2);
}

#[test]
fn a_given_certificate_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key, authority) = write_certificate(folder.path(), "given.example");
    let files = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let hosts = ["--ephemeral", "--allowed-hosts", "given.example"];
    let program = Program::start(&[&hosts[..], &files].concat());
    assert_eq!(https_status(&program, &authority, "given.example"), 200);
    assert_eq!(program.call("GET", "/_emulator/health", "").0, 200);
    assert_fails(&run(&[&["tls-ca"], &files[..]].concat()), "which is not used with --tls-cert");
}

#[test]
fn wrong_files_end_the_start_with_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key, _) = write_certificate(folder.path(), "one.example");
    let (_, other_key, _) = write_certificate(folder.path(), "two.example");
    let text = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let missing = folder.path().join("missing.pem");
    let empty = text("empty.pem", "");
    let wrong = text("wrong.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let locked =
        text("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let bad_key = text("bad-key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    for (certificate, key, path, message) in [
        (&missing, &key, &missing, "cannot read"),
        (&certificate, &missing, &missing, "Correct --tls-key"),
        (&empty, &key, &empty, "contains no certificate in PEM form"),
        (&key, &key, &key, "contains no certificate in PEM form"),
        (&wrong, &key, &wrong, "cannot be used"),
        (&certificate, &empty, &empty, "contains no private key in PEM form without a password"),
        (&certificate, &locked, &locked, "contains no private key in PEM form without a password"),
        (&certificate, &bad_key, &bad_key, "cannot be used"),
        (&certificate, &other_key, &other_key, "does not belong to the first certificate"),
        (&certificate, &other_key, &certificate, "does not belong to the first certificate"),
    ] {
        let files = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let output = run(&[&["--ephemeral"], &files[..]].concat());
        assert_fails(&output, message);
        assert_fails(&output, path.to_str().unwrap());
    }
    let output = run(&["--ephemeral", "--tls-cert", certificate.to_str().unwrap()]);
    assert_fails(&output, "--tls-cert needs --tls-key");
}

#[test]
fn files_of_two_authorities_are_refused() {
    let (_folder, data) = data_directory();
    let (_other_folder, other) = data_directory();
    print_authority(&data);
    print_authority(&other);
    let certificate = |data: &str| Path::new(data).join("tls/ca.pem");
    fs::copy(certificate(&other), certificate(&data)).unwrap();
    for arguments in [["tls-ca", "--data-dir", &data], ["--tls", "--data-dir", &data]] {
        assert_fails(&run(&arguments), "Remove both files");
    }
}
