//! The XML of a made-up workbook, in the two forms of planning-sheet 1.2.

use std::fmt::Write;

use voyager::plan::CellRef;

use super::workbook::{Form, Parts, Sheet, Value, Workbook};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

pub fn parts(workbook: &Workbook) -> Parts {
    let mut strings = Vec::new();
    let mut parts: Vec<(String, String)> = Vec::new();
    let shared = workbook.form == Form::X;
    parts.push(("_rels/.rels".into(), package_relations(shared)));
    parts.push(("xl/workbook.xml".into(), book(workbook)));
    parts.push(("xl/_rels/workbook.xml.rels".into(), book_relations(workbook, shared)));
    for (n, sheet) in workbook.sheets.iter().enumerate() {
        parts.push((
            format!("xl/worksheets/sheet{}.xml", n + 1),
            sheet_xml(sheet, workbook.form, &mut strings),
        ));
    }
    if shared {
        parts.push(("xl/sharedStrings.xml".into(), shared_strings(&strings)));
    }
    parts.push(("xl/styles.xml".into(), STYLES.into()));
    // Unknown parts, which every write must carry through.
    parts.push(("customXml/wps.bin".into(), "\u{1}WPS".repeat(200)));
    parts.push(("docProps/core.xml".into(), format!("{HEAD}<coreProperties/>")));
    let types = ("[Content_Types].xml".into(), content_types(workbook, shared));
    if shared {
        parts.insert(0, types)
    } else {
        parts.push(types)
    }
    parts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

fn sheet_xml(sheet: &Sheet, form: Form, strings: &mut Vec<String>) -> String {
    let mut data = String::new();
    let mut rows: Vec<u32> = sheet.cells.keys().map(|(row, _)| *row).collect();
    rows.dedup();
    for row in rows {
        let _ = write!(data, "<row r=\"{row}\">");
        for ((_, column), value) in sheet.cells.range((row, 0)..(row + 1, 0)) {
            data.push_str(&cell_xml(&CellRef::new("", row, *column).a1(), value, form, strings));
        }
        data.push_str("</row>");
    }
    let merges: String = sheet.merges.iter().map(|range| format!("<mergeCell ref=\"{range}\"/>")).collect();
    let merges = match sheet.merges.len() {
        0 => String::new(),
        count => format!("<mergeCells count=\"{count}\">{merges}</mergeCells>"),
    };
    format!(
        "{HEAD}<worksheet xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><dimension ref=\"A1:AG974\"/><sheetData>{data}\
         </sheetData><sheetProtection sheet=\"1\" objects=\"1\" scenarios=\"1\"/>{merges}</worksheet>"
    )
}

fn cell_xml(a1: &str, value: &Value, form: Form, strings: &mut Vec<String>) -> String {
    match (value, form) {
        (Value::Text(text), Form::X) => {
            let index = strings.iter().position(|known| known == text).unwrap_or_else(|| {
                strings.push(text.clone());
                strings.len() - 1
            });
            format!("<c r=\"{a1}\" s=\"1\" t=\"s\"><v>{index}</v></c>")
        }
        (Value::Text(text), Form::L) => {
            format!("<c r=\"{a1}\" s=\"1\" t=\"inlineStr\"><is>{}</is></c>", text_element(text))
        }
        (Value::Number(number), Form::X) => format!("<c r=\"{a1}\" s=\"1\"><v>{number}</v></c>"),
        (Value::Number(number), Form::L) => format!("<c r=\"{a1}\" s=\"1\" t=\"n\"><v>{number}</v></c>"),
        (Value::Bool(is), _) => format!("<c r=\"{a1}\" t=\"b\"><v>{}</v></c>", u8::from(*is)),
        (Value::Error(error), _) => format!("<c r=\"{a1}\" t=\"e\"><v>{error}</v></c>"),
        (Value::Date(date), _) => format!("<c r=\"{a1}\" t=\"d\"><v>{date}</v></c>"),
        (Value::Formula { text, cached: Some(cached) }, Form::X) => {
            let kind = if cached.parse::<f64>().is_ok() { "" } else { " t=\"str\"" };
            format!("<c r=\"{a1}\" s=\"1\"{kind}><f>{}</f><v>{}</v></c>", escape(text), escape(cached))
        }
        (Value::Formula { text, .. }, _) => format!("<c r=\"{a1}\" s=\"1\"><f>{}</f><v /></c>", escape(text)),
    }
}

fn text_element(text: &str) -> String {
    let space = if text.trim() == text { "" } else { " xml:space=\"preserve\"" };
    format!("<t{space}>{}</t>", escape(text))
}

fn shared_strings(strings: &[String]) -> String {
    let items: String = strings.iter().map(|text| format!("<si>{}</si>", text_element(text))).collect();
    format!("{HEAD}<sst xmlns=\"{MAIN}\" uniqueCount=\"{}\">{items}</sst>", strings.len())
}

fn book(workbook: &Workbook) -> String {
    let mut sheets = String::new();
    for (n, sheet) in workbook.sheets.iter().enumerate() {
        let hidden = if sheet.hidden { " state=\"hidden\"" } else { "" };
        let (name, id) = (escape(&sheet.name), n + 1);
        let _ = write!(sheets, "<sheet name=\"{name}\" sheetId=\"{id}\"{hidden} r:id=\"rId{id}\"/>");
    }
    format!("{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{sheets}</sheets></workbook>")
}

fn book_relations(workbook: &Workbook, shared: bool) -> String {
    let root = if shared { "" } else { "/xl/" };
    let relation = |id: usize, kind: &str, target: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{root}{target}\"/>")
    };
    let count = workbook.sheets.len();
    let mut all: String =
        (1..=count).map(|n| relation(n, "worksheet", &format!("worksheets/sheet{n}.xml"))).collect();
    all.push_str(&relation(count + 1, "styles", "styles.xml"));
    if shared {
        all.push_str(&relation(count + 2, "sharedStrings", "sharedStrings.xml"));
    }
    format!("{HEAD}<Relationships xmlns=\"{RELATIONS}\">{all}</Relationships>")
}

fn package_relations(shared: bool) -> String {
    let target = if shared { "xl/workbook.xml" } else { "/xl/workbook.xml" };
    format!(
        "{HEAD}<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" \
         Target=\"{target}\"/></Relationships>"
    )
}

fn content_types(workbook: &Workbook, shared: bool) -> String {
    const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let part = |name: &str, kind: &str| {
        format!("<Override PartName=\"/xl/{name}.xml\" ContentType=\"{KIND}.{kind}+xml\"/>")
    };
    let mut all = part("workbook", "sheet.main") + &part("styles", "styles");
    for n in 1..=workbook.sheets.len() {
        all.push_str(&part(&format!("worksheets/sheet{n}"), "worksheet"));
    }
    if shared {
        all.push_str(&part("sharedStrings", "sharedStrings"));
    }
    format!(
        "{HEAD}<Types xmlns=\"{TYPES}\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
         ContentType=\"application/xml\"/><Default Extension=\"bin\" ContentType=\"application/octet-stream\"/>\
         {all}</Types>"
    )
}

const STYLES: &str = "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><fonts \
    count=\"1\"><font/></fonts><fills count=\"1\"><fill/></fills><borders count=\"1\"><border/></borders>\
    <cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs count=\"2\"><xf/><xf/></cellXfs></styleSheet>";

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
