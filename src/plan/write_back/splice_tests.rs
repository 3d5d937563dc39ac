use super::*;

fn sheet(data: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<worksheet xmlns=\"m\">{data}<tail/></worksheet>")
}

/// Sets E3 to `v` and returns what the sheet data became.
fn set(data: &str) -> Result<String, Refusal> {
    let out = set_text(&sheet(data), 3, 5, "v")?;
    let head = sheet("").find("<tail").unwrap_or_default();
    Ok(out[head..out.len() - "<tail/></worksheet>".len()].to_owned())
}

const NEW: &str = "<c r=\"E3\" t=\"inlineStr\"><is><t>v</t></is></c>";

#[test]
fn a_cell_that_is_there_keeps_position_and_style_only() {
    for old in [
        "<c r=\"E3\" s=\"7\" t=\"n\" />",
        "<c s=\"7\" r=\"E3\" t=\"s\" vm=\"1\"><v>4</v></c>",
        "<c r=\"E3\" s=\"7\" t=\"inlineStr\"><is><r><t>a</t></r></is></c>",
    ] {
        let data = format!("<sheetData><row r=\"3\"><c r=\"D3\"/>{old}<c r=\"F3\"/></row></sheetData>");
        let want = data.replace(old, &NEW.replace(" t=", " s=\"7\" t="));
        assert_eq!(set(&data).unwrap(), want);
    }
}

#[test]
fn missing_cells_and_rows_go_in_in_order() {
    let cases = [
        ("<sheetData/>", format!("<sheetData><row r=\"3\">{NEW}</row></sheetData>")),
        ("<sheetData></sheetData>", format!("<sheetData><row r=\"3\">{NEW}</row></sheetData>")),
        (
            "<sheetData><row r=\"3\" ht=\"9\"/></sheetData>",
            format!("<sheetData><row r=\"3\" ht=\"9\">{NEW}</row></sheetData>"),
        ),
        (
            "<sheetData><row r=\"2\"/><row r=\"5\"/></sheetData>",
            format!("<sheetData><row r=\"2\"/><row r=\"3\">{NEW}</row><row r=\"5\"/></sheetData>"),
        ),
        (
            "<sheetData><row r=\"3\"><c r=\"D3\"/><c r=\"F3\"/></row></sheetData>",
            format!("<sheetData><row r=\"3\"><c r=\"D3\"/>{NEW}<c r=\"F3\"/></row></sheetData>"),
        ),
        (
            "<sheetData><row r=\"3\"><c r=\"D3\"/></row></sheetData>",
            format!("<sheetData><row r=\"3\"><c r=\"D3\"/>{NEW}</row></sheetData>"),
        ),
    ];
    for (data, want) in cases {
        assert_eq!(set(data).unwrap(), want);
    }
}

#[test]
fn without_references_rows_and_cells_are_counted() {
    let data = "<sheetData><row/><row/><row><c/><c/><c/><c/><c s=\"1\"/><c/></row></sheetData>";
    let want = data.replace("<c s=\"1\"/>", "<c s=\"1\" t=\"inlineStr\"><is><t>v</t></is></c>");
    assert_eq!(set(data).unwrap(), want);
}

#[test]
fn a_namespace_prefix_is_carried_over() {
    let data = "<x:sheetData><x:row r=\"3\"><x:c r=\"E3\" s=\"2\"/></x:row></x:sheetData>";
    let want = "<x:sheetData><x:row r=\"3\"><x:c r=\"E3\" s=\"2\" t=\"inlineStr\"><x:is><x:t>v</x:t></x:is></x:c>\
                </x:row></x:sheetData>";
    assert_eq!(set(data).unwrap(), want);
}

#[test]
fn formulas_and_inner_cells_of_a_merge_are_refused() {
    let formula = "<sheetData><row r=\"3\"><c r=\"E3\"><f>A1</f><v/></c></row></sheetData>";
    assert_eq!(set(formula), Err(Refusal::Formula));
    let shared = "<sheetData><row r=\"3\"><c r=\"E3\"><f t=\"shared\" si=\"0\"/></c></row></sheetData>";
    assert_eq!(set(shared), Err(Refusal::Formula));
    let merge = |range: &str| {
        set(&format!("<sheetData/><mergeCells count=\"1\"><mergeCell ref=\"{range}\"/></mergeCells>"))
    };
    assert_eq!(merge("D3:G3"), Err(Refusal::InsideMerge { range: "D3:G3".into() }));
    assert!(merge("E3:G3").is_ok());
    assert!(merge("D4:G4").is_ok());
}

#[test]
fn text_is_escaped_and_a_byte_order_mark_stays() {
    let xml = format!("\u{feff}{}", sheet("<sheetData><row r=\"3\"><c r=\"E3\"/></row></sheetData>"));
    let out = set_text(&xml, 3, 5, "<甲> & 乙 ").unwrap();
    let want = xml.replace(
        "<c r=\"E3\"/>",
        "<c r=\"E3\" t=\"inlineStr\"><is><t xml:space=\"preserve\">&lt;甲&gt; &amp; 乙 </t></is></c>",
    );
    assert_eq!(out, want);
}

#[test]
fn what_is_no_sheet_is_refused() {
    for xml in
        ["", "<worksheet>", "<worksheet/>", "<!DOCTYPE a><worksheet><sheetData/></worksheet>", "<a></b>"]
    {
        assert!(matches!(set_text(xml, 3, 5, "v"), Err(Refusal::Malformed(_))), "{xml}");
    }
    assert!(set_text(&sheet("<sheetData/>"), 3, 5, "a\u{1}").is_err());
}
