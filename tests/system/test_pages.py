#!/usr/bin/python3
"""What the pages say is there is there: files, links, settings and flags; and folders' pages name all that is in them."""

import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ROOMS = ("engine", "server", "client", "loaders", "cli", "bench", "proto")
MODULES = (".c", ".h", ".cc", ".py", ".proto")
# Commands whose first word is followed by another command.
PAIRS = ("define", "segment", "derive", "project", "user", "properties", "query")


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if os.path.isfile(os.path.join(ROOT, name))]


FILES = tracked()
FOLDERS = {os.path.dirname(name)[:end] for name in FILES
           for end in [m.start() for m in re.finditer("/", os.path.dirname(name) + "/")]}
PAGES = [name for name in FILES if name.endswith(".md")]


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def anchors(path):
    heads = re.findall(r"^#+ (.*)$", text_of(path), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def there(path):
    """A file or a folder, or what a name without its ending, or with a star, stands for."""
    path = path.rstrip("/.")
    pattern = re.compile(re.escape(path).replace(r"\*", "[^/]*") + r"(\.\w+)*$")
    return path in FOLDERS or any(pattern.match(name) for name in FILES)


def commands(page):
    """What stands in code and begins with a program of ours, a command each."""
    text = text_of(page).replace("\\\n", " ")
    code = re.findall(r"`([^`]+)`", text) + re.findall(r"^    (.*)$", text, re.M)
    for part in (part for one in code for part in re.split(r"[|;&]|  #", one)):
        match = re.match(r"\s*(?:[\w./-]*/)?(recountd?)\s+(.*)", part)
        if match:
            yield match[1], match[2].split()


class Pages(unittest.TestCase):
    maxDiff = None

    def wrong(self, found):
        self.assertEqual([], sorted(set(found)))

    def test_links_lead_somewhere(self):
        found = []
        for page in PAGES:
            for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
                path, _, anchor = link.partition("#")
                if "://" in link:
                    continue
                target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                if target not in FILES and target not in FOLDERS:
                    found.append(f"{page}: there is no {link}")
                elif anchor and anchor not in anchors(target):
                    found.append(f"{page}: {target} has no part {anchor}")
        self.wrong(found)

    def test_files_that_are_named_are_there(self):
        found = []
        for page in PAGES:
            for path in re.findall(r"(?<![\w./-])((?:%s|tests|scripts|docs|cmake)/[\w./*-]*\w)" % "|".join(ROOMS),
                                   text_of(page)):
                if not any(there(os.path.join(base, path)) for base in ("", "engine", os.path.dirname(page))):
                    found.append(f"{page}: there is no {path}")
        self.wrong(found)

    def test_folders_pages_name_what_is_in_them(self):
        found = []
        for name in FILES:
            stem, ending = os.path.splitext(os.path.basename(name))
            if not name.startswith(ROOMS) or ending not in MODULES:
                continue
            folder = os.path.dirname(name)
            while f"{folder}/README.md" not in FILES:
                folder = os.path.dirname(folder)
            text = text_of(f"{folder}/README.md")
            starred = [re.compile(word.replace("*", r"\w*") + "$") for word in re.findall(r"\w*\*\w*", text)]
            stem = re.sub(r"_form$", "", stem)  # The structs behind a header, for its sources.
            if not re.search(rf"(?<!\w){stem}(?!\w)", text) and not any(word.match(stem) for word in starred):
                found.append(f"{folder}/README.md does not name {name}")
        self.wrong(found)


class Programs(unittest.TestCase):
    def help(self, program, *words):
        done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def test_flags_of_commands_are_known(self):
        found, seen, checked = [], {}, 0
        for page in PAGES:
            for program, words in commands(page):
                flags = [match[0] for word in words for match in re.finditer(r"^\[?--[a-z][a-z-]*", word)]
                plain = [word for word in words if re.fullmatch(r"[a-z]+", word)]
                if program == "recountd":
                    key = (os.environ["RECOUNTD"],)
                elif not plain:
                    continue
                elif plain[0] == "explain":
                    key = (os.environ["RECOUNT"], *plain[:2])
                else:
                    key = (os.environ["RECOUNT"], *plain[:2 if plain[0] in PAIRS else 1])
                for flag in flags:
                    checked += 1
                    if key not in seen:
                        seen[key] = self.help(*key)
                    if not re.search(re.escape(flag.lstrip("[")) + r"(?![\w-])", seen[key]):
                        found.append(f"{page}: {program} {' '.join(key[1:])} has no {flag}")
        self.assertEqual([], found)
        self.assertGreater(checked, 15)

    def test_settings_are_those_of_the_page(self):
        printed = subprocess.run([os.environ["RECOUNTD"], "--print-config"], capture_output=True, text=True,
                                 check=True).stdout
        settings = set(re.findall(r"^(?:# )?([a-z][a-z-]*) =", printed, re.M))
        table = text_of("docs/operations.md").split("## Settings")[1].split("\n## ")[0]
        named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`([a-z-]+)`", row)}
        self.assertEqual(settings, named)


if __name__ == "__main__":
    if not os.path.exists(os.path.join(ROOT, ".git")):
        print("not a checkout")
        sys.exit(77)
    unittest.main()
