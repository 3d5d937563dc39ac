//! Fonts, colours and lines of the workbook.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::{
    report::{document::Mark, timeline::Shade},
    text::Lang,
};

/// Points.
const SIZE: f64 = 9.0;
const HEAD: u32 = 0x1F_4E79;
const LINE: u32 = 0xD5_DBE1;

pub struct Style {
    font: &'static str,
}

impl Style {
    pub fn of(lang: Lang) -> Self {
        Self {
            font: match lang {
                Lang::Zh => "Microsoft YaHei",
                Lang::En => "Calibri",
            },
        }
    }

    fn base(&self) -> Format {
        Format::new().set_font_name(self.font).set_font_size(SIZE).set_align(FormatAlign::VerticalCenter)
    }

    pub fn title(&self) -> Format {
        self.base().set_font_size(18).set_bold().set_font_color(HEAD)
    }

    pub fn subtitle(&self) -> Format {
        self.base().set_font_color(0x6B_7785)
    }

    pub fn banner(&self) -> Format {
        self.base().set_bold().set_font_color(Color::White).set_background_color(0x8A_5A00).set_text_wrap()
    }

    pub fn section(&self) -> Format {
        self.base()
            .set_font_size(12)
            .set_bold()
            .set_font_color(HEAD)
            .set_border_bottom(FormatBorder::Medium)
            .set_border_bottom_color(HEAD)
    }

    pub fn note(&self) -> Format {
        self.base().set_italic().set_font_color(0x6B_7785).set_text_wrap()
    }

    pub fn head(&self) -> Format {
        self.lined(self.base().set_bold().set_font_color(Color::White).set_background_color(HEAD))
    }

    pub fn label(&self) -> Format {
        self.lined(self.base().set_font_color(0x6B_7785).set_background_color(0xF5_F7F9))
    }

    /// A cell of a row.
    pub fn cell(&self, row: Mark, cell: Mark, code: bool) -> Format {
        let mut format = self.lined(self.base());
        if code {
            format = format.set_font_name("Consolas").set_font_size(SIZE - 1.0);
        }
        format = match row {
            Mark::Bad => format.set_background_color(0xFD_ECEA),
            Mark::Strong => format.set_background_color(0xE8_EEF5),
            _ => format,
        };
        match cell {
            Mark::Plain => format,
            Mark::Good => format.set_bold().set_font_color(0x1B_7F3B).set_background_color(0xE9_F6ED),
            Mark::Bad => format.set_bold().set_font_color(0xB3_261E).set_background_color(0xFD_ECEA),
            Mark::Open => format.set_bold().set_font_color(0x8A_5A00).set_background_color(0xFF_F6E0),
            Mark::Faint => format.set_font_color(0x6B_7785),
            Mark::Strong => format.set_bold(),
        }
    }

    /// A line to write on.
    pub fn blank(&self) -> Format {
        self.base()
            .set_font_color(0x6B_7785)
            .set_align(FormatAlign::Top)
            .set_border_bottom(FormatBorder::Thin)
            .set_border_bottom_color(Color::Black)
    }

    /// A label of the timeline, smaller where its lanes are.
    pub fn lane(&self, is_stage: bool, scale: f64) -> Format {
        let format = self.base().set_font_size((SIZE * scale).floor().max(5.0));
        if is_stage { format.set_bold() } else { format.set_indent(1) }
    }

    pub fn axis(&self) -> Format {
        self.base().set_font_size(SIZE - 1.0).set_font_color(0x6B_7785).set_border_left(FormatBorder::Thin)
    }

    pub fn bar(&self, shade: Shade) -> Format {
        Format::new().set_background_color(match shade {
            Shade::Stage => HEAD,
            Shade::Looked => 0x9D_B8D2,
            Shade::Worked => 0x2E_9E57,
            Shade::Failed => 0xB3_261E,
            Shade::Open => 0xD9_9A1C,
        })
    }

    fn lined(&self, format: Format) -> Format {
        format.set_border(FormatBorder::Thin).set_border_color(LINE).set_text_wrap()
    }
}
