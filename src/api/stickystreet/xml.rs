//! Writes answers as XML without a declaration and with one element per line without indentation, as `StickyStreet` does.

use std::borrow::Cow;
use std::io;

use quick_xml::events::BytesText;
use quick_xml::writer::Writer;

use super::answer::Answer;

/// Returns whether XML 1.0 allows the character, escaped or not.
pub fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Returns the XML document of the answer.
pub fn document(answer: &Answer) -> Vec<u8> {
    let mut writer = Writer::new_with_indent(Vec::with_capacity(512), b' ', 0);
    // Ignore the result, because writing to a buffer does not fail.
    let _ = write(&mut writer, answer);
    writer.into_inner()
}

fn write(writer: &mut Writer<Vec<u8>>, answer: &Answer) -> io::Result<()> {
    let response = writer.create_element("response").with_attribute(("status", answer.status()));
    response.write_inner_content(|writer| match answer {
        Answer::Error(text) => element(writer, "error", text),
        Answer::Customer { status, elements } => {
            let customer = writer.create_element("customer").with_attributes(status.map(|status| ("status", status)));
            customer.write_inner_content(|writer| {
                elements.iter().try_for_each(|(name, text)| element(writer, name, text))
            })?;
            Ok(())
        }
    })?;
    Ok(())
}

fn element(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(&replace_forbidden(text)))?;
    Ok(())
}

/// Replaces characters that XML does not allow by U+FFFD. The other APIs accept such characters.
fn replace_forbidden(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_xml_character) {
        return text.into();
    }
    text.chars()
        .map(|character| if is_xml_character(character) { character } else { char::REPLACEMENT_CHARACTER })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_written_as_stickystreet_writes_them() {
        let deleted = Answer::deleted("1234567890123456");
        assert_eq!(
            String::from_utf8(document(&deleted)).unwrap(),
            "<response status=\"success\">\n<customer status=\"deleted\">\n<code>1234567890123456</code>\n</customer>\n</response>"
        );
        let error = Answer::Error("a < b & c\r\u{1}\u{FFFF}".to_owned());
        assert_eq!(
            String::from_utf8(document(&error)).unwrap(),
            "<response status=\"error\">\n<error>a &lt; b &amp; c&#13;\u{FFFD}\u{FFFD}</error>\n</response>"
        );
        let empty = Answer::Customer { status: None, elements: vec![("phone", String::new())] };
        assert!(String::from_utf8(document(&empty)).unwrap().contains("<customer>\n<phone></phone>\n</customer>"));
    }
}
