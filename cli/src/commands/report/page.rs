//! The page: three templates and the data, put into one file.
//!
//! What comes from a build (instructions, paths, names) is data for the script, never markup.

use iechor_engine::picture::Picture;

use crate::error::CliError;
use crate::table;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Where the templates have room for the other parts.
const STYLE_PLACE: &str = "/*STYLE*/";
const SCRIPT_PLACE: &str = "/*SCRIPT*/";
const DATA_PLACE: &str = "/*DATA*/";

/// The whole page.
pub(super) fn render(picture: &Picture) -> Result<String, CliError> {
    let data = inert(&table::compact(picture)?);
    // The data comes last: nothing is put into what a build has said.
    Ok(PAGE
        .replacen(STYLE_PLACE, STYLE, 1)
        .replacen(SCRIPT_PLACE, SCRIPT, 1)
        .replacen(DATA_PLACE, &data, 1))
}

/// JSON that cannot end the element which it stands in, nor open a comment: HTML sees no `<`, `>` or
/// `&` in it, and JSON reads the same strings.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_break_out() {
        let hostile = serde_json::json!({ "text": "RUN echo '</script><!-- &amp; <script>'" });
        let text = inert(&hostile.to_string());
        assert!(!text.contains(['<', '>', '&']), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, hostile);
    }

    #[test]
    fn the_templates_fit_together_and_ask_nobody() {
        for place in [STYLE_PLACE, SCRIPT_PLACE, DATA_PLACE] {
            assert_eq!(PAGE.matches(place).count(), 1, "{place}");
        }
        for part in [PAGE, STYLE, SCRIPT] {
            let part = part.replace("http://www.w3.org/2000/svg", "");
            assert!(!part.contains("http:") && !part.contains("https:"));
            assert!(!part.contains("@import") && !part.contains("url("));
        }
        assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("</script"));
    }
}
