//! `key=value,key=value`: the form of `--secret` and `--output`, quoted as CSV.

/// Why a list of fields could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FieldError {
    /// A quotation mark has no partner.
    #[error("a quotation mark is not closed")]
    OpenQuote,
    /// A field has no `=`.
    #[error("`{0}` is not of the form KEY=VALUE")]
    NoValue(String),
}

/// Splits at commas that stand outside quotation marks; `""` inside is one mark.
fn split(text: &str) -> Result<Vec<String>, FieldError> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => push(&mut fields, '"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => push(&mut fields, c),
        }
    }
    if quoted {
        Err(FieldError::OpenQuote)
    } else {
        Ok(fields)
    }
}

fn push(fields: &mut [String], c: char) {
    if let Some(last) = fields.last_mut() {
        last.push(c);
    }
}

/// The fields of `text` as pairs, keys in lower case, in order.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, FieldError> {
    split(text)?
        .into_iter()
        .map(|field| match field.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_lowercase(), value.to_owned())),
            None => Err(FieldError::NoValue(field)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_keep_commas() {
        let parsed = parse(r#"id=a,"src=/tmp/a,b","x=say ""hi""""#).unwrap();
        assert_eq!(parsed[1], ("src".into(), "/tmp/a,b".into()));
        assert_eq!(parsed[2], ("x".into(), "say \"hi\"".into()));
    }

    #[test]
    fn a_field_without_value_is_named() {
        assert_eq!(parse("id=a,foo"), Err(FieldError::NoValue("foo".into())));
        assert_eq!(parse("\"id=a"), Err(FieldError::OpenQuote));
    }
}
