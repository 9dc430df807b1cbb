//! The texts of errors of the operating system and of libraries, as messages quote them.

use std::error::Error;
use std::fmt::Display;
use std::io;

/// What Rust writes before the number of an error of the operating system.
const NUMBER: &str = " (os error ";

/// Returns the text of an error without the numbers of the operating system, which say nothing to a user and differ between systems:
/// `Connection refused` for `Connection refused (os error 111)`.
#[must_use]
pub fn without_number(error: &(impl Display + ?Sized)) -> String {
    let text = error.to_string();
    let mut parts = text.split(NUMBER);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    result
}

/// Returns why an operation on a file or a connection failed: the text of the operating system alone, without what a library adds to it,
/// such as the random name of a temporary file.
#[must_use]
pub fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(NUMBER).next().unwrap_or_default().to_owned()
}

/// Returns the text of the innermost cause of an error, which is the most specific, without the number of the operating system.
#[must_use]
pub fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    without_number(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_operating_system_are_left_out() {
        assert_eq!(without_number(&io::Error::from_raw_os_error(2)), "No such file or directory");
        assert_eq!(without_number("a (os error 1): b (os error 22), c"), "a: b, c");
        assert_eq!(without_number("a (other error 1)"), "a (other error 1)");
    }

    #[test]
    fn the_reason_of_a_failed_operation_has_no_name_of_a_temporary_file() {
        let error = io::Error::other("No such file or directory (os error 2) at path \"/missing/.tmpAbCdEf\"");
        assert_eq!(io_reason(&error), "No such file or directory");
        assert_eq!(io_reason(&io::Error::other("it is damaged")), "it is damaged");
    }

    #[test]
    fn innermost_cause_is_the_text() {
        let cause = io::Error::other(io::Error::other(io::Error::from_raw_os_error(2)));
        assert_eq!(root_cause(&cause), "No such file or directory");
    }
}
