//! A figure's SVG as a PDF of one page: shapes stay shapes, text stays text in the shipped font, of which the letters
//! used are embedded.

use std::io;

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, LineCap, LineJoin, Paint, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};
use resvg::tiny_skia::PathSegment;
use resvg::usvg::layout::Span;
use resvg::usvg::{self, ImageKind, Node, tiny_skia_path};

use super::Figure;
use super::font::FONT;
use super::tree::tree_of;

/// Points an inch, the unit of PDF, and millimetres an inch.
const POINTS: f64 = 72.0;
const INCH: f64 = 25.4;

/// The figure as a PDF file at its printed size. It carries no date, and its identifiers are digests of its content.
pub(crate) fn pdf_of(figure: &Figure) -> io::Result<Vec<u8>> {
    let tree = tree_of(figure)?;
    let (width, height) = figure.size();
    let points = |millimetres: f64| (millimetres * POINTS / INCH) as f32;
    let page = PageSettings::from_wh(points(width), points(height))
        .ok_or_else(|| io::Error::other(format!("a figure of {width} × {height} mm is no page")))?;
    let font = Font::new(FONT.into(), 0).ok_or_else(|| io::Error::other("the shipped font cannot be embedded"))?;
    // Passports bring their own XMP metadata, and leave alone a file that has some.
    let mut document = Document::new_with(SerializeSettings { xmp_metadata: false, ..SerializeSettings::default() });
    document.set_metadata(Metadata::new().title(figure.name().to_owned()));
    let mut page = document.start_page_with(page);
    let mut surface = page.surface();
    let scale = (points(width) / tree.size().width(), points(height) / tree.size().height());
    surface.push_transform(&Transform::from_scale(scale.0, scale.1));
    children(tree.root(), &mut surface, &font)?;
    surface.pop();
    surface.finish();
    page.finish();
    document.finish().map_err(|error| io::Error::other(format!("a figure cannot be written as PDF: {error:?}")))
}

fn children(group: &usvg::Group, surface: &mut Surface<'_>, font: &Font) -> io::Result<()> {
    for node in group.children() {
        match node {
            Node::Group(inner) => {
                surface.push_transform(&transform(inner.transform()));
                surface.push_opacity(share(inner.opacity().get()));
                children(inner, surface, font)?;
                surface.pop();
                surface.pop();
            }
            Node::Path(path) => draw_path(path, surface),
            Node::Text(text) => text.layouted().iter().for_each(|span| draw_text(span, surface, font)),
            Node::Image(image) => draw_image(image, surface)?,
        }
    }
    Ok(())
}

fn draw_path(path: &usvg::Path, surface: &mut Surface<'_>) {
    let (fill, stroke) = (path.fill().map(fill), path.stroke().map(stroke));
    // Without either, black would be taken.
    if let (Some(shape), true) = (shape(path.data()), fill.is_some() || stroke.is_some()) {
        surface.set_fill(fill);
        surface.set_stroke(stroke);
        surface.draw_path(&shape);
    }
}

/// Draws the letters of a span as one run, so that a reader finds whole words.
fn draw_text(span: &Span, surface: &mut Surface<'_>, font: &Font) {
    let size = span.font_size.get();
    let letters = &span.positioned_glyphs;
    let unscaled = font.units_per_em() / size;
    let Some(start) = letters.first().map(|first| first.transform().pre_scale(unscaled, unscaled)) else {
        return;
    };
    let Some(back) = start.invert() else {
        return;
    };
    // Places along the line in parts of the text's size.
    let place = |index: usize| {
        let letter = letters[index].transform();
        let mut point = tiny_skia_path::Point::from_xy(letter.tx, letter.ty);
        back.map_point(&mut point);
        point.x / size
    };
    let mut text = String::new();
    let mut glyphs = Vec::new();
    for (index, letter) in letters.iter().enumerate() {
        let from = text.len();
        text.push_str(&letter.text);
        let advance = if index + 1 < letters.len() { place(index + 1) - place(index) } else { 0.0 };
        let glyph = GlyphId::new(u32::from(letter.id.0));
        glyphs.push(KrillaGlyph::new(glyph, advance, 0.0, 0.0, 0.0, from..text.len(), None));
    }
    surface.push_transform(&transform(start));
    surface.set_fill(span.fill.as_ref().map(fill));
    surface.set_stroke(None);
    surface.draw_glyphs(Point::from_xy(0.0, 0.0), &glyphs, font.clone(), &text, size, false);
    surface.pop();
}

fn draw_image(image: &usvg::Image, surface: &mut Surface<'_>) -> io::Result<()> {
    let picture = match image.kind() {
        ImageKind::JPEG(bytes) => Image::from_jpeg(bytes.clone().into(), false),
        ImageKind::PNG(bytes) => Image::from_png(bytes.clone().into(), false),
        ImageKind::GIF(_) | ImageKind::WEBP(_) | ImageKind::SVG(_) => Err("figures hold JPEG and PNG only".to_owned()),
    };
    let size = Size::from_wh(image.size().width(), image.size().height());
    if let Some(size) = size {
        surface.draw_image(picture.map_err(io::Error::other)?, size);
    }
    Ok(())
}

fn shape(path: &tiny_skia_path::Path) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(to) => builder.move_to(to.x, to.y),
            PathSegment::LineTo(to) => builder.line_to(to.x, to.y),
            PathSegment::QuadTo(by, to) => builder.quad_to(by.x, by.y, to.x, to.y),
            PathSegment::CubicTo(by, and, to) => builder.cubic_to(by.x, by.y, and.x, and.y, to.x, to.y),
            PathSegment::Close => builder.close(),
        }
    }
    builder.finish()
}

fn fill(fill: &usvg::Fill) -> Fill {
    let rule = match fill.rule() {
        usvg::FillRule::NonZero => FillRule::NonZero,
        usvg::FillRule::EvenOdd => FillRule::EvenOdd,
    };
    Fill { paint: paint(fill.paint()), opacity: share(fill.opacity().get()), rule }
}

fn stroke(stroke: &usvg::Stroke) -> Stroke {
    let dash = stroke.dasharray().map(|array| StrokeDash { array: array.to_vec(), offset: stroke.dashoffset() });
    let line_cap = match stroke.linecap() {
        usvg::LineCap::Butt => LineCap::Butt,
        usvg::LineCap::Round => LineCap::Round,
        usvg::LineCap::Square => LineCap::Square,
    };
    let line_join = match stroke.linejoin() {
        usvg::LineJoin::Miter | usvg::LineJoin::MiterClip => LineJoin::Miter,
        usvg::LineJoin::Round => LineJoin::Round,
        usvg::LineJoin::Bevel => LineJoin::Bevel,
    };
    Stroke {
        paint: paint(stroke.paint()),
        width: stroke.width().get(),
        miter_limit: stroke.miterlimit().get(),
        line_cap,
        line_join,
        opacity: share(stroke.opacity().get()),
        dash,
    }
}

/// Figures are painted in plain colours; what else SVG knows would be black.
fn paint(paint: &usvg::Paint) -> Paint {
    let usvg::Paint::Color(colour) = paint else {
        return rgb::Color::new(0, 0, 0).into();
    };
    rgb::Color::new(colour.red, colour.green, colour.blue).into()
}

fn share(value: f32) -> NormalizedF32 {
    NormalizedF32::new(value).unwrap_or(NormalizedF32::ONE)
}

fn transform(from: usvg::Transform) -> Transform {
    Transform::from_row(from.sx, from.ky, from.kx, from.sy, from.tx, from.ty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Anchor, Ink, Picture, Text, png_of};

    fn sample() -> Figure {
        let mut figure = Figure::new(85.0, "sample", Some("A sample ± 0.5 †"), None);
        figure.rectangle((5.0, 10.0), (20.0, 10.0), Ink::fill("#0072b2").opacity(0.5));
        figure.line((5.0, 25.0), (20.0, 25.0), Ink::line("#222222", 0.3).dashes("1 1"));
        figure.centred_text((30.0, 25.0), "upwards", Text::small(Anchor::Middle).upwards());
        let bytes = png_of(&Figure::new(5.0, "x", None, None).close()).unwrap();
        figure.picture((30.0, 10.0), (5.0, 5.0), &Picture { bytes, is_coarse: true });
        figure.advance_to(40.0);
        figure.close()
    }

    #[test]
    fn a_pdf_has_the_printed_size_an_embedded_font_and_the_same_bytes_every_time() {
        let bytes = pdf_of(&sample()).unwrap();
        assert_eq!(bytes, pdf_of(&sample()).unwrap());
        let text = String::from_utf8_lossy(&bytes);
        // 85 mm are 240.94 points.
        assert!(text.contains("/MediaBox[0 0 240.94"), "{text}");
        assert!(text.contains("/FontFile2") && text.contains("+DejaVuSans"));
        for moment in ["CreationDate", "ModDate", "/Metadata"] {
            assert!(!text.contains(moment), "{moment}");
        }
        // The whole font has 759,720 bytes.
        assert!(bytes.len() < 40_000, "{}", bytes.len());
    }
}
