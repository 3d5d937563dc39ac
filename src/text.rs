//! Two-language text: every sentence an operator may read exists in Chinese and English.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// The language of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Zh,
    En,
}

/// One sentence in both languages. It has no `Display`: who prints it must choose a language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub zh: String,
    pub en: String,
}

impl Text {
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// A name, number or command: the same in every language.
    pub fn same(text: impl Display) -> Self {
        let text = text.to_string();
        Self { zh: text.clone(), en: text }
    }

    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// What can fill a placeholder of a message: anything printable, or a `Text` of its own.
pub trait Say {
    fn say(&self, lang: Lang) -> String;
}

impl<T: Display + ?Sized> Say for T {
    fn say(&self, _lang: Lang) -> String {
        self.to_string()
    }
}

impl Say for Text {
    fn say(&self, lang: Lang) -> String {
        self.get(lang).to_owned()
    }
}
