//! The place of a value in a body.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

/// The place of a value in a body, as error messages show it and as a JSON pointer. Both texts are made only when they are needed,
/// because most bodies are valid and have no unread member.
#[derive(Clone, Debug, Default)]
pub struct BodyPath(Option<Arc<Node>>);

#[derive(Debug)]
struct Node {
    parent: BodyPath,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Member(Cow<'static, str>),
    Item(usize),
    /// An item of the body that is a record of its own, so that error messages are relative to it.
    Record(usize),
}

impl BodyPath {
    /// Returns the path of a member of the object at this path.
    pub fn member(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.with(Step::Member(name.into()))
    }

    /// Returns the path of an item of the array at this path.
    pub fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    /// Returns the path of an item of the body; error messages are relative to the item.
    pub fn record(index: usize) -> Self {
        Self::default().with(Step::Record(index))
    }

    fn with(&self, step: Step) -> Self {
        Self(Some(Arc::new(Node { parent: self.clone(), step })))
    }

    /// Returns the path as error messages show it, for instance `.items[0].product`; empty for the body itself.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    /// Returns the path from the body, also where error messages are otherwise relative to a record.
    pub fn text_from_body(&self) -> String {
        let record = match self.first() {
            Some(Step::Record(index)) => format!("[{index}]"),
            _ => String::new(),
        };
        record + &self.text()
    }

    fn first(&self) -> Option<&Step> {
        let node = self.0.as_ref()?;
        node.parent.first().or(Some(&node.step))
    }

    fn write_text(&self, text: &mut String) {
        let Some(node) = &self.0 else { return };
        node.parent.write_text(text);
        // Writing to a text does not fail.
        let _ = match &node.step {
            Step::Member(name) => write!(text, ".{name}"),
            Step::Item(index) => write!(text, "[{index}]"),
            Step::Record(_) => Ok(()),
        };
    }

    /// Returns the path as a JSON pointer, for instance `/items/0/product`; empty for the body itself.
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write_pointer(&mut pointer);
        pointer
    }

    fn write_pointer(&self, pointer: &mut String) {
        let Some(node) = &self.0 else { return };
        node.parent.write_pointer(pointer);
        match &node.step {
            Step::Member(name) => push_pointer_step(pointer, name),
            Step::Item(index) | Step::Record(index) => {
                let _ = write!(pointer, "/{index}");
            }
        }
    }
}

/// Appends the name of a member to a JSON pointer.
pub fn push_pointer_step(pointer: &mut String, name: &str) {
    pointer.push('/');
    for character in name.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_form_of_error_messages_and_of_json_pointers() {
        let body = BodyPath::default();
        assert_eq!((body.text(), body.pointer()), (String::new(), String::new()));
        let product = body.member("items").item(2).member("a/b~c".to_owned());
        assert_eq!(product.text(), ".items[2].a/b~c");
        assert_eq!(product.pointer(), "/items/2/a~1b~0c");
        let of_record = BodyPath::record(3).member("address");
        assert_eq!((of_record.text().as_str(), of_record.pointer().as_str()), (".address", "/3/address"));
        assert_eq!(of_record.text_from_body(), "[3].address");
    }
}
