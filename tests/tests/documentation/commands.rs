//! The commands, as the binary itself lists them.

use std::process::Command;

use pakhus_tests::server::binary;

use crate::{read, says};

const PAGE: &str = "docs/reference/command-line.md";

/// What the page says once for all commands.
const OF_ALL: [&str; 4] = ["--api-key", "--help", "--server", "--version"];

fn help(command: &[String]) -> String {
    let output = Command::new(binary()).args(command).arg("--help").output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// The lines of a block of the help.
fn block<'a>(help: &'a str, title: &str) -> impl Iterator<Item = &'a str> {
    let after = help.split_once(title).map_or("", |(_, rest)| rest);
    after.lines().skip(1).take_while(|line| !line.is_empty())
}

/// All commands that have no further ones, with their options.
fn commands(command: &[String], found: &mut Vec<(Vec<String>, Vec<String>)>) {
    let help = help(command);
    let below: Vec<_> = block(&help, "\nCommands:")
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    for name in &below {
        commands(&[command, &[(*name).to_owned()]].concat(), found);
    }
    if below.is_empty() {
        let options = help.lines().filter_map(|line| {
            let line = line.trim_start();
            let line = line.split_once(", --").map_or(line, |_| &line[4..]);
            line.starts_with("--").then(|| line.split(' ').next().unwrap_or(line).to_owned())
        });
        let options = options.filter(|option| !OF_ALL.contains(&option.as_str())).collect();
        found.push((command.to_owned(), options));
    }
}

#[test]
fn every_command_is_listed_with_all_its_options() {
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 15, "the commands are found: {found:?}");
    let page = read(PAGE);
    let mut left_out = Vec::new();
    for (command, options) in found {
        let command = format!("pakhus {}", command.join(" "));
        let is_row = |line: &&str| {
            let rest = line.strip_prefix("| `").and_then(|line| line.strip_prefix(&command));
            rest.is_some_and(|rest| rest.starts_with([' ', '`']))
        };
        let Some(row) = page.lines().find(is_row) else {
            left_out.push(command);
            continue;
        };
        let missing = options.iter().filter(|option| !row.contains(option.as_str()));
        left_out.extend(missing.map(|option| format!("{command} {option}")));
    }
    for option in OF_ALL.iter().filter(|option| !["--help", "--version"].contains(option)) {
        if !page.contains(option) {
            left_out.push((*option).to_owned());
        }
    }
    says(PAGE, &left_out);
}
