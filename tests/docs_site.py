"""Looks through a built site for what it would fetch from elsewhere, and for broken links: python -m tests.docs_site FOLDER"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"), ("link", "href")}
"""What a browser gets without being asked."""

_IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//")


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.fetched, self.links, self.names = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if value and (tag, name) in FETCHED:
                self.fetched.append(value)
            if value and (tag, name) == ("a", "href"):
                self.links.append(value)
            if value and name in ("id", "name"):
                self.names.add(value)


def faults_of(site):
    """Sentences about a site (folder); none for a good one."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    faults = [] if pages else [f"{site} holds no pages"]
    for path, page in pages.items():
        name = path.relative_to(site)
        faults += [f"{name} fetches {url}" for url in page.fetched if urlsplit(url).netloc]
        for link in (*page.links, *page.fetched):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                faults.append(f"{name} leads to {link}, which is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names | {"__skip"}:
                faults.append(f"{name} leads to {link}, where nothing is called so")
    for style in site.rglob("*.css"):
        if _IN_STYLES.search(style.read_text(encoding="utf-8")):
            faults.append(f"{style.relative_to(site)} fetches something from elsewhere")
    return faults


if __name__ == "__main__":
    found = faults_of(Path(sys.argv[1]).resolve())
    print("\n".join(found) or "no broken links, and nothing that is fetched from elsewhere")
    sys.exit(bool(found))
