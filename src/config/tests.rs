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
    ];
    let printed = format!("{:?}", Cli::parse_from(arguments).options.config().unwrap());
    assert!(printed.contains(DEFAULT_APP_ID) && !printed.contains("hidden"), "{printed}");
}

#[test]
fn options_of_the_private_cluster_take_precedence_over_a_database_url() {
    let storage = |arguments: &[&str]| Cli::parse_from(arguments).options.config().unwrap().storage;
    let url = ["x", "--database-url", "postgres://h/d"];
    assert_eq!(storage(&url), Storage::Url("postgres://h/d".to_owned()));
    assert_eq!(storage(&[&url[..], &["--ephemeral"]].concat()), Storage::Private(Durability::Ephemeral));
}
