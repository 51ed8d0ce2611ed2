//! The rules of the web sources: features apart, no barrels, types that say something, no HTML made of
//! texts.

use crate::{Faults, fires, none, repository::Source, repository::files};
use anyhow::{Result, ensure};

fn sources() -> Result<Vec<Source>> {
    let web = |file: &Source| {
        (file.path.starts_with("frontends/") || file.path.starts_with("packages/"))
            && file.path.contains("/src/")
            && (file.path.ends_with(".ts") || file.path.ends_with(".tsx"))
    };
    let sources: Vec<_> = files()?.into_iter().filter(web).collect();
    ensure!(sources.len() > 60, "only {} web sources are found", sources.len());
    Ok(sources)
}

/// Without lines that are comments, and without what follows `//` on a line of code.
fn code(source: &str) -> String {
    let is_comment = |line: &&str| ["//", "/*", "*"].iter().any(|mark| line.trim_start().starts_with(mark));
    let lines = source.lines().filter(|line| !is_comment(line));
    lines.map(|line| line.split(" // ").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn imports(source: &str) -> Vec<&str> {
    let found = ["from \"", "import \"", "import(\""]
        .into_iter()
        .flat_map(|mark| source.split(mark).skip(1).filter_map(|rest| rest.split('"').next()));
    found.collect()
}

/// The feature a path lies in.
fn feature(path: &str) -> Option<&str> {
    path.split("/features/").nth(1)?.split('/').next()
}

/// Where a relative import leads.
fn target(path: &str, import: &str) -> Option<String> {
    let mut folders: Vec<_> = path.split('/').collect();
    folders.pop();
    if !import.starts_with('.') {
        return None;
    }
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()),
            _ => folders.push(part),
        }
    }
    Some(folders.join("/"))
}

fn features_are_apart(path: &str, source: &str) -> Faults {
    let Some(own) = feature(path) else { return Faults::new() };
    let mut faults = Faults::new();
    for import in imports(source) {
        let other = match target(path, import) {
            Some(target) => feature(&format!("{target}/")).map(str::to_owned),
            None => feature(import).map(str::to_owned),
        };
        if other.is_some_and(|other| other != own) {
            faults.push(format!("imports {import}; features do not know each other, the app puts them together"));
        }
    }
    faults
}

fn is_no_barrel(path: &str, source: &str) -> Faults {
    let mut faults = Faults::new();
    let name = path.rsplit('/').next().unwrap_or_default();
    let code = code(source);
    if name.starts_with("index.ts") && code.contains(" from \"") && !code.contains("function") {
        faults.push("is a barrel file; import from where it is".to_owned());
    }
    if code.contains("export * from") {
        faults.push("exports all of another file; import from where it is".to_owned());
    }
    faults
}

fn types_say_something(source: &str) -> Faults {
    let code = code(source);
    let ways = [": any", "as any", "<any", "any[]", ", any>", "| any", "@ts-ignore", "@ts-nocheck", "@ts-expect-error"];
    let found = ways.into_iter().filter(|way| {
        let whole = |at: usize| !code[at + way.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let begins =
            |at: usize| way.starts_with(|c: char| !c.is_alphanumeric()) || !code[..at].ends_with(char::is_alphanumeric);
        code.match_indices(way).any(|(at, _)| whole(at) && begins(at)) || (way.starts_with('@') && source.contains(way))
    });
    found.map(|way| format!("{way}: say what it is, or unknown")).collect()
}

fn makes_no_html(source: &str) -> Faults {
    let ways = [
        "dangerouslySetInnerHTML",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
        "eval(",
        "new Function",
        "srcdoc",
        "srcDoc",
    ];
    let code = code(source);
    ways.into_iter()
        .filter(|way| code.contains(way))
        .map(|way| format!("{way}: texts never become HTML or code"))
        .collect()
}

fn everywhere(rule: impl Fn(&Source) -> Faults) -> Result<()> {
    let mut faults = Faults::new();
    for source in sources()? {
        faults.extend(rule(&source).into_iter().map(|fault| format!("{}: {fault}", source.path)));
    }
    none(&faults)
}

#[test]
fn features_do_not_import_each_other() -> Result<()> {
    ensure!(sources()?.iter().filter(|source| feature(&source.path).is_some()).count() > 10, "no features are found");
    everywhere(|source| features_are_apart(&source.path, &source.text))
}

#[test]
fn there_are_no_barrels() -> Result<()> {
    everywhere(|source| is_no_barrel(&source.path, &source.text))
}

#[test]
fn nothing_is_any() -> Result<()> {
    everywhere(|source| types_say_something(&source.text))
}

#[test]
fn no_text_becomes_html() -> Result<()> {
    everywhere(|source| makes_no_html(&source.text))
}

#[test]
fn the_rules_fire() {
    let path = "frontends/chat/src/features/thread/Thread.tsx";
    fires(
        |source| features_are_apart(path, source),
        &[
            "import { a } from \"../composer/Composer\";",
            "import { a } from \"../../features/composer/Composer\";",
            "const a = import(\"../composer/Composer\");",
            "import \"@/features/composer/Composer\";",
        ],
        &["import { a } from \"./Reply\";", "import { a } from \"../../stores/tabs\";", "import { b } from \"react\";"],
    );
    fires(
        |source| is_no_barrel("packages/a/src/index.ts", source),
        &["export { a } from \"./a\";", "export * from \"./a\";"],
        &["export function a() { return b; }"],
    );
    fires(
        |source| is_no_barrel("packages/a/src/all.ts", source),
        &["export * from \"./a\";"],
        &["export const a = 1;"],
    );
    fires(
        types_say_something,
        &["let a: any;", "a as any", "Array<any>", "let a: any[] = []", "Map<string, any>", "// @ts-ignore\na()"],
        &["// any: any\nlet company: anything;", " * of any kind: any\n", "let a: unknown; let many: Many[];"],
    );
    fires(
        makes_no_html,
        &["<p dangerouslySetInnerHTML={{ __html: a }} />", "a.innerHTML = b", "eval(a)", "<iframe srcDoc={a} />"],
        &["// innerHTML is never used\nconst a = 1;", "retrieval()"]
            .map(|s| s.replace("retrieval()", "evaluate()"))
            .each_ref()
            .map(String::as_str),
    );
}
