use clap::Parser;

use super::*;

#[test]
fn options_are_accepted_before_and_after_the_command() {
    for arguments in [vec!["x", "--ephemeral", "serve"], vec!["x", "serve", "--ephemeral"], vec!["x", "--ephemeral"]] {
        let cli = Cli::parse_from(&arguments);
        assert!(cli.options.data.ephemeral && cli.command.unwrap_or_default() == Command::Serve, "{arguments:?}");
    }
}

#[test]
fn allowed_hosts_are_separated_by_commas() {
    let hosts = |value: &str| {
        let parsed = Cli::try_parse_from(["x", "--allowed-hosts", value]);
        parsed.map(|cli| cli.options.config().unwrap().allowed_hosts.len()).map_err(|error| error.to_string())
    };
    assert_eq!((hosts(""), hosts("shop.example, .team.example,")), (Ok(0), Ok(2)));
    assert!(hosts("http://shop.example").unwrap_err().contains("names without scheme and port"));
}

#[test]
fn debug_output_contains_no_secret() {
    let arguments = [
        "x",
        "--database-url",
        "postgres://u:hidden@h/d",
        "--app-token",
        "hidden",
        "--client-token",
        "hidden",
        "--management-token",
        "hidden",
        "--otlp-endpoint",
        "http://user:hidden@collector:4318",
    ];
    let printed = format!("{:?}", Cli::parse_from(arguments).options.config().unwrap());
    assert!(printed.contains(DEFAULT_APP_ID) && !printed.contains("hidden"), "{printed}");
}

#[test]
fn a_collector_is_named_by_a_url() {
    let url = |value: &str| {
        let parsed = Cli::try_parse_from(["x", "--otlp-endpoint", value]);
        let endpoint = parsed.map(|cli| cli.options.config().unwrap().otlp_endpoint);
        endpoint.map(|endpoint| endpoint.map(|one| one.url().to_string())).map_err(|error| error.to_string())
    };
    assert_eq!((url(""), url(" ")), (Ok(None), Ok(None)));
    assert_eq!(url("http://127.0.0.1:4318"), Ok(Some("http://127.0.0.1:4318/v1/traces".to_owned())));
    assert!(url("127.0.0.1:4318").unwrap_err().contains("expected the URL of a collector"));
    assert_eq!(Cli::parse_from(["x"]).options.config().unwrap().otlp_endpoint, None);
}

#[test]
fn a_certificate_is_given_by_both_of_its_files_or_issued_by_the_authority_of_the_data_directory() {
    let source = |arguments: &[&str]| {
        let arguments = ["x", "--data-dir", "/d"].iter().chain(arguments);
        Cli::parse_from(arguments).options.config().map(|config| config.tls).map_err(|error| error.to_string())
    };
    assert_eq!(source(&[]), Ok(None));
    let own = Some(CertificateSource::DataDirectory("/d".into()));
    assert_eq!((source(&["--tls"]), source(&["--tls", "--ephemeral"])), (Ok(own.clone()), Ok(own)));
    let given = CertificateSource::Files { certificate: "/c".into(), key: "/k".into() };
    assert_eq!(source(&["--tls-cert", "/c", "--tls-key", "/k"]), Ok(Some(given.clone())));
    assert_eq!(source(&["--tls", "--tls-cert", "/c", "--tls-key", "/k"]), Ok(Some(given)));
    assert!(source(&["--tls", "--tls-cert", "/c"]).unwrap_err().starts_with("--tls-cert needs --tls-key"));
    assert!(source(&["--tls-key", "/k"]).unwrap_err().starts_with("--tls-key needs --tls-cert"));
}

#[test]
fn options_of_the_private_cluster_take_precedence_over_a_database_url() {
    let storage = |arguments: &[&str]| Cli::parse_from(arguments).options.config().unwrap().storage;
    let url = ["x", "--database-url", "postgres://h/d"];
    assert_eq!(storage(&url), Storage::Url("postgres://h/d".to_owned()));
    assert_eq!(storage(&[&url[..], &["--ephemeral"]].concat()), Storage::Private(Durability::Ephemeral));
}

#[test]
fn postgresql_is_fetched_from_a_url_unless_the_option_forbids_it() {
    let source = |arguments: &[&str]| {
        let parsed = Cli::try_parse_from([&["x"], arguments].concat());
        parsed
            .map(|cli| cli.options.data.programs().source.map(|source| source.base_url))
            .map_err(|error| error.to_string())
    };
    let url = |arguments: &[&str]| source(arguments).unwrap().unwrap();
    assert_eq!(url(&[]), Source::BASE_URL);
    assert_eq!(url(&["--postgres-url", ""]), Source::BASE_URL);
    assert_eq!(url(&["--postgres-url", "http://user:p@mirror.example/a/"]), "http://user:p@mirror.example/a");
    assert_eq!(source(&["--no-download"]), Ok(None));
    for wrong in ["ftp://mirror.example/a", "mirror.example", "https://mirror.example/?a"] {
        assert!(source(&["--postgres-url", wrong]).is_err(), "{wrong}");
    }
}
