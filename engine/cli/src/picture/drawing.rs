//! A folded graph as SVG: for a page, which styles it and lets nodes unfold, or for itself.

use maud::{Markup, PreEscaped, html};

use super::layout::Layout;
use super::{Folded, Node, NodeKind};
use crate::terminal::sanitised;

/// The height of a box.
const HEIGHT: f64 = 46.0;
/// Around the picture.
const MARGIN: f64 = 12.0;
/// The width of a character of a name, and of one of the smaller text below it.
const NAME: f64 = 7.4;
const DETAIL: f64 = 6.0;
/// The longest texts, in characters.
const LONGEST_NAME: usize = 26;
const LONGEST_DETAIL: usize = 36;

/// What a picture that stands alone looks like.
const STYLE: &str = "\
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f1e1b;text-anchor:middle}\
.name{font-size:12px;font-weight:600}.detail{font-size:10px;fill:#6b675f}\
.node rect.box{fill:#fff;stroke:#8d887d}.node.source rect.box{stroke-dasharray:4 3}\
.edge{fill:none;stroke:#b9b3a6;stroke-width:1.2}";

/// How many cells of a node are in one state, which is the name of a class.
pub(crate) type Share = (&'static str, &'static str, usize);

/// A folded graph with its layout.
pub(crate) struct Drawing<'a> {
    folded: &'a Folded,
    layout: Layout,
}

impl<'a> Drawing<'a> {
    pub(crate) fn new(folded: &'a Folded) -> Self {
        let widths: Vec<f64> = folded.nodes.iter().map(width).collect();
        Self { folded, layout: Layout::of(&widths, &folded.edges) }
    }

    /// A picture of its own.
    pub(crate) fn alone(&self, title: &str) -> String {
        let (width, height) = self.size();
        let svg = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img" {
                title { (sanitised(title)) }
                style { (PreEscaped(STYLE)) }
                (self.edges())
                @for index in 0..self.folded.nodes.len() {
                    g class=(class(&self.folded.nodes[index])) { (self.face(index)) }
                }
            }
        };
        format!("{}\n", svg.into_string())
    }

    /// A picture in a page. Of each node the states of its cells are shown: class, word and how many.
    pub(crate) fn in_page(&self, shares: &dyn Fn(&Node) -> Vec<Share>) -> Markup {
        let (width, height) = self.size();
        html! {
            svg id="picture" viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="group" aria-label="Stages and what they read" {
                (self.edges())
                @for (index, node) in self.folded.nodes.iter().enumerate() {
                    @let shares = shares(node);
                    @if node.cells.is_empty() {
                        g class=(class(node)) data-node=(index) { (self.face(index)) }
                    } @else {
                        g class=(class(node)) data-node=(index) tabindex="0" role="button" aria-expanded="false" aria-controls="unfolded" aria-label=(spoken(node, &shares)) {
                            (self.face(index))
                            (self.states(index, &shares))
                        }
                    }
                }
            }
        }
    }

    fn size(&self) -> (String, String) {
        let layers = self.layout.layers.saturating_sub(1) as f64;
        (number(self.layout.width + 2.0 * MARGIN), number(layers * Layout::LAYER + HEIGHT + 2.0 * MARGIN))
    }

    fn edges(&self) -> Markup {
        html! {
            g class="edges" {
                @for ((from, to), route) in self.folded.edges.iter().zip(&self.layout.routes) {
                    path class="edge" data-from=(from) data-to=(to) d=(way(route)) {}
                }
            }
        }
    }

    /// Box, name and detail.
    fn face(&self, index: usize) -> Markup {
        let node = &self.folded.nodes[index];
        let (x, y) = self.layout.boxes[index];
        let (x, y, width) = (x + MARGIN, y + MARGIN, width(node));
        let name_at = if node.detail.is_empty() { 27.0 } else { 20.0 };
        let radius = if node.kind == NodeKind::Source { 14.0 } else { 3.0 };
        html! {
            rect class="box" x=(number(x - width / 2.0)) y=(number(y)) width=(number(width)) height=(number(HEIGHT)) rx=(number(radius)) {}
            text class="name" x=(number(x)) y=(number(y + name_at)) { (shortened(&node.name, LONGEST_NAME)) }
            @if !node.detail.is_empty() {
                text class="detail" x=(number(x)) y=(number(y + 34.0)) { (shortened(&node.detail, LONGEST_DETAIL)) }
            }
        }
    }

    /// A bar of the states along the lower side, and the mark of the one to look at first.
    fn states(&self, index: usize, shares: &[Share]) -> Markup {
        let node = &self.folded.nodes[index];
        let (x, y) = self.layout.boxes[index];
        let width = width(node);
        let (left, top) = (x + MARGIN - width / 2.0, y + MARGIN);
        let all: usize = shares.iter().map(|(_, _, count)| count).sum();
        let scale = (width - 8.0) / all.max(1) as f64;
        let segments = shares.iter().scan(left + 4.0, |end, (class, _, count)| {
            let length = *count as f64 * scale;
            *end += length;
            Some((*class, *end - length, length))
        });
        html! {
            g class="bar" {
                @for (class, begin, length) in segments {
                    rect class={ "fill " (class) } x=(number(begin)) y=(number(top + HEIGHT - 6.0)) width=(number(length)) height="3" {}
                }
            }
            @if let Some((class, _, _)) = shares.last() {
                g class="corner" { (mark_at(class, left + width, top)) }
            }
        }
    }
}

/// The shapes of states, so that nobody has to tell colours apart; the page refers to them by `#mark-` and the class.
pub(crate) fn symbols(classes: &[&str]) -> Markup {
    html! {
        svg class="symbols" width="0" height="0" aria-hidden="true" {
            @for class in classes {
                symbol id={ "mark-" (class) } viewBox="-6 -6 12 12" {
                    @match *class {
                        "stale" | "new" => { path d="M0 -5L5 0L0 5L-5 0Z" {} }
                        "failed" => { path d="M-4 -4L4 4M4 -4L-4 4" {} }
                        "blocked" => { path d="M-4 -4H4V4H-4Z" {} }
                        "running" => { path d="M-3.5 -4.5L5 0L-3.5 4.5Z" {} }
                        _ => { circle r="4.2" {} }
                    }
                }
            }
        }
    }
}

/// The shape of a state in a line of text.
pub(crate) fn mark(class: &str) -> Markup {
    html! { svg class={ "mark " (class) } width="12" height="12" aria-hidden="true" { use href={ "#mark-" (class) } {} } }
}

/// The shape of a state around a point of a picture.
fn mark_at(class: &str, x: f64, y: f64) -> Markup {
    html! { use class={ "mark " (class) } href={ "#mark-" (class) } x=(number(x - 6.0)) y=(number(y - 6.0)) width="12" height="12" {} }
}

fn class(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Source => "node source",
        NodeKind::Stage => "node stage",
        NodeKind::Stages => "node stages",
    }
}

/// What a screen reader says of a node.
fn spoken(node: &Node, shares: &[Share]) -> String {
    let shares: Vec<String> = shares.iter().map(|(_, word, count)| format!("{count} {word}")).collect();
    sanitised(&format!("{}, {}: {}", node.name, node.detail, shares.join(", ")))
}

fn width(node: &Node) -> f64 {
    let name = node.name.chars().count().min(LONGEST_NAME) as f64 * NAME;
    let detail = node.detail.chars().count().min(LONGEST_DETAIL) as f64 * DETAIL;
    (name.max(detail) + 24.0).max(72.0).round()
}

fn shortened(text: &str, longest: usize) -> String {
    let text = sanitised(text);
    if text.chars().count() <= longest { text } else { text.chars().take(longest - 1).chain(['…']).collect() }
}

/// A curve that leaves and enters boxes upright and passes the layers between them at its points.
fn way(route: &[(f64, usize)]) -> String {
    let mut way = String::new();
    let mut last = (0.0, 0.0);
    for (index, (x, layer)) in route.iter().enumerate() {
        let (x, top) = (x + MARGIN, *layer as f64 * Layout::LAYER + MARGIN);
        if index == 0 {
            last = (x, top + HEIGHT);
            way = format!("M{} {}", number(x), number(top + HEIGHT));
            continue;
        }
        let middle = f64::midpoint(last.1, top);
        let (u, m) = (number(last.0), number(middle));
        way.push_str(&format!("C{u} {m} {x} {m} {x} {y}", x = number(x), y = number(top)));
        last = (x, top);
        if index + 1 < route.len() {
            way.push_str(&format!("V{}", number(top + HEIGHT)));
            last.1 = top + HEIGHT;
        }
    }
    way
}

/// With a decimal at most, so that the text is short.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}
