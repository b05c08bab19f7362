//! A page to read the surface on: nothing from elsewhere, and no script but the one written here.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use devsphere_proto::{Access, Binding, Contract, Method, comment, comment_at};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{access, document::tag, example, methods, rules::Rules};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page, and the policy under which a browser may show it.
pub(super) fn write(contract: &Contract) -> (String, String) {
    let mut page = Page(String::with_capacity(256 * 1024));
    let mut groups: Vec<(String, Vec<&Method>)> = Vec::new();
    for method in methods(contract) {
        match groups.last_mut().filter(|(name, _)| *name == tag(method)) {
            Some((_, methods)) => methods.push(method),
            None => groups.push((tag(method), vec![method])),
        }
    }
    page.head(&groups);
    for (name, methods) in &groups {
        page.service(name, methods);
    }
    page.raw("</main><script>");
    page.raw(SCRIPT);
    page.raw("</script></body></html>\n");
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        sum(STYLE),
        sum(SCRIPT)
    );
    (page.0, policy)
}

fn sum(text: &str) -> String {
    BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '&' => self.raw("&amp;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                letter => self.0.push(letter),
            }
        }
    }

    /// An element with text in it.
    fn say(&mut self, tag: &str, text: &str) {
        let _ = write!(self.0, "<{tag}>");
        self.text(text);
        let _ = write!(self.0, "</{}>", tag.split(' ').next().unwrap_or(tag));
    }

    fn head(&mut self, groups: &[(String, Vec<&Method>)]) {
        self.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
        self.raw("<meta name=\"viewport\" content=\"width=device-width\">");
        self.raw("<title>DevSphere OS: the API</title><style>");
        self.raw(STYLE);
        self.raw("</style></head><body><nav><h1>DevSphere OS</h1>");
        self.raw("<p><a href=\"/api/v1/openapi.json\">OpenAPI 3.1</a> · ");
        self.raw("<a href=\"/api/descriptor.binpb\">descriptors</a></p>");
        let mut module = "";
        for (name, methods) in groups {
            let (of, service) = name.split_once('.').unwrap_or(("", name));
            if of != module {
                self.say("h2", of);
                module = of;
            }
            let _ = write!(self.0, "<a href=\"#{name}\">{service}</a><ul>");
            for method in methods {
                let _ = write!(self.0, "<li><a href=\"#{}\">", anchor(method));
                self.text(method.descriptor.name());
                self.raw("</a></li>");
            }
            self.raw("</ul>");
        }
        self.raw("</nav><main>");
    }

    fn service(&mut self, name: &str, methods: &[&Method]) {
        let _ = write!(self.0, "<section id=\"{name}\">");
        self.say("h2", name);
        if let Some(method) = methods.first() {
            let service = method.descriptor.parent_service();
            self.say("p", &comment_at(&service.parent_file(), service.path()));
        }
        for method in methods {
            self.method(method);
        }
        self.raw("</section>");
    }

    fn method(&mut self, method: &Method) {
        let _ = write!(self.0, "<article id=\"{}\">", anchor(method));
        self.say("h3", method.descriptor.name());
        for binding in &method.bindings {
            self.raw("<p class=\"path\"><b>");
            self.raw(binding.verb);
            self.raw("</b> ");
            self.say("code", &binding.template.openapi());
            self.raw("</p>");
        }
        self.say("p", &comment(method));
        self.raw("<p class=\"who\">Who may: ");
        self.say("code", &access(method));
        self.raw(" · gRPC, gRPC-Web, Connect: ");
        self.say("code", method.path);
        self.raw("</p>");
        self.fields("Request", &method.descriptor.input());
        let answer = if method.streams { "Answer, a stream of" } else { "Answer" };
        self.fields(answer, &method.descriptor.output());
        if let Some(binding) = method.bindings.first() {
            self.raw("<div class=\"curl\"><button type=\"button\">copy</button>");
            self.say("pre", &curl(method, binding));
            self.raw("</div>");
        }
        self.raw("</article>");
    }

    fn fields(&mut self, title: &str, message: &MessageDescriptor) {
        let _ = write!(self.0, "<details><summary>{title} <code>");
        self.text(message.name());
        self.raw("</code></summary>");
        self.table(message, &mut vec![message.full_name().to_owned()]);
        self.raw("</details>");
    }

    fn table(&mut self, message: &MessageDescriptor, above: &mut Vec<String>) {
        self.raw("<table>");
        for field in message.fields() {
            self.raw("<tr>");
            self.say("td", field.name());
            self.say("td", &kind(&field));
            self.raw("<td>");
            if Rules::of(&field).required() {
                self.raw("<b>required</b> ");
            }
            self.text(&comment_at(&message.parent_file(), field.path()));
            if let Kind::Message(inner) = field.kind()
                && inner.full_name().starts_with("devsphere.")
                && !above.contains(&inner.full_name().to_owned())
            {
                above.push(inner.full_name().to_owned());
                self.table(&inner, above);
                above.pop();
            }
            self.raw("</td></tr>");
        }
        self.raw("</table>");
    }
}

fn anchor(method: &Method) -> String {
    format!("{}.{}", tag(method), method.descriptor.name())
}

fn kind(field: &FieldDescriptor) -> String {
    let name = match field.kind() {
        Kind::Message(message) => message.name().to_owned(),
        Kind::Enum(kind) => kind.name().to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    };
    if field.is_list() { format!("{name}[]") } else { name }
}

/// A call to copy into a shell.
fn curl(method: &Method, binding: &Binding) -> String {
    let mut command = String::from("curl");
    if binding.verb != "GET" {
        let _ = write!(command, " -X {}", binding.verb);
    }
    let path = binding.template.openapi().replace('{', "$").replace('}', "");
    let _ = write!(command, " \"$DEVSPHERE{path}\"");
    if method.access != Access::Public {
        command.push_str(" \\\n  -H \"authorization: Bearer $TOKEN\"");
    }
    let elsewhere: Vec<_> =
        binding.template.variables().iter().map(|variable| variable.field.as_str()).collect();
    let body = example::body(&method.descriptor.input(), &binding.body, &elsewhere);
    if let Some(body) = body {
        let quoted = body.to_string().replace('\'', "'\\''");
        let _ = write!(command, " \\\n  -H 'content-type: application/json' \\\n  -d '{quoted}'");
    }
    command
}
