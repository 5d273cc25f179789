#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/man/: nurseryd(8), nurseryd.conf(5), nurseryctl(1), nursery-sim(1), from what the programs say of themselves: --help, the shipped
configuration (a test holds it equal to --print-config, which prints the option table), and the words in which nurseryd refuses a wrong
value of each option. So a row of a table is its manual, too.   scripts/man.py [--check]   (make man)"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
MAN = TOP / "docs/man"
BUILD = TOP / "build"
SHIPPED = (TOP / "config/nurseryd.conf").read_text()
OPTION = re.compile(r"^(\s*)([a-z_0-9]+) = (.*);$")


def says(program, *args):
    return subprocess.run([BUILD / program, *args], capture_output=True, text=True, check=True).stdout


def plain(text):
    """As groff is to print it: its own characters are text."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub("([，、：；。])", r"\1\\:", text)  # Chinese has no blanks: a line may be broken here
    return re.sub(r"^([.'])(?!br$)", r"\\&\1", text, flags=re.M)


def bold(text):
    return f'.B "{plain(text)}"'.replace('""', '"\\&"') if " " in text else f".B {plain(text)}"


def head(name, section, what):
    shown = name.upper().replace("-", "\\-")
    return ['.\\" SPDX-License-Identifier: MIT', '.\\" Written by scripts/man.py from the programs\' own tables: change those.',
            f'.TH {shown} {section} "" "nurseryd" ""', ".nh", ".ad l", ".SH NAME", f"{plain(name)} \\- {plain(what)}"]


def section(title, *lines):
    return [f".SH {title}", *lines]


def terms(pairs):
    return [x for term, text in pairs for x in (".TP", bold(term), plain(text) if text else "\\&")]


def paragraphs(*texts):
    return [x for text in texts for x in (".PP", plain(text))]


def verbatim(text):
    return [".PP", ".nf", plain(text.strip("\n")), ".fi"]


SEE = {"nurseryd": "nurseryd(8)", "conf": "nurseryd.conf(5)", "ctl": "nurseryctl(1)", "sim": "nursery-sim(1)"}


def see_also(me):
    return section("SEE ALSO", plain(", ".join(v for k, v in SEE.items() if k != me)) + ",", plain("docs/operator.md, docs/integrators-guide.md, docs/openapi.yaml in the source"))


# --- nurseryd(8) ---

def options_of_help(text):
    """Lines "  -c, --config FILE   what it does": [(term, text)]; a line that begins further in goes on."""
    found = []
    for line in text.splitlines():
        match = re.match(r"^ {2,6}(-\S.*?)(?: {2,}(.*))$", line)
        if match:
            found.append([match[1], match[2] or ""])
        elif found and re.match(r"^ {12,}\S", line):
            found[-1][1] += " " + line.strip()
    return found


def nurseryd():
    text = says("nurseryd", "--help")
    usage = re.search(r"usage: (.*)", text)[1]
    return (head("nurseryd", 8, text.splitlines()[0].partition(": ")[2]) + section("SYNOPSIS", plain(usage)) +
            section("DESCRIPTION", *paragraphs(
                "nurseryd takes what nurseries publish over MQTT, stores every message in a hash-chained ledger before it acknowledges it, folds it into "
                "indicators, alerts and cases, calls people, and answers over HTTP (loopback and a Unix socket).",
                "It stays in the foreground and tells systemd when it is ready: subscribed, and the store writable.")) +
            section("OPTIONS", *terms(options_of_help(text))) +
            section("SIGNALS", *terms([("SIGHUP", "read configuration and policy again, as a whole; a bad one is refused with its line and the old one stays"),
                                       ("SIGTERM, SIGINT", "stop: commit, acknowledge, disconnect; nothing is lost")])) +
            section("EXIT STATUS", *terms([("0", "stopped, or the answer was fine"), ("1", "configuration, policy or database refused; the log says why"), ("2", "wrong usage")])) +
            section("ENVIRONMENT", *terms([("NURSERYD_DATADIR", "directory of the tables that ship (divisions, workdays, designations)"),
                                           ("CREDENTIALS_DIRECTORY", "systemd's; secrets that do not stand beside the configuration are looked for here")])) +
            section("FILES", *terms([("/etc/nurseryd/nurseryd.conf", "the configuration of the shipped unit"), ("/etc/nurseryd/policy.conf", "dated policy data"),
                                     ("/var/lib/nurseryd/nurseryd.db", "ledger and state"), ("/run/nurseryd/nurseryd.sock", "where nurseryctl asks")])) +
            see_also("nurseryd"))


# --- nurseryd.conf(5) ---

def options_of_file():
    """(path, default, help) of each option as the shipped file has it."""
    group, comment, found = "", [], []
    for line in SHIPPED.splitlines()[2:]:
        match = OPTION.match(line)
        if match:
            found.append((group + match[2], match[3], comment))
            comment = []
        elif line.strip().startswith("#"):
            comment.append(line.strip()[1:].strip())
        elif re.fullmatch(r"[a-z]+:", line):
            group = line[:-1] + "."
        elif line == "};":
            group = ""
    return found


def wants():
    """{path: what a value must be}, from the refusal of a file in which every value is wrong."""
    wrong = "\n".join(OPTION.sub(r"\1\2 = ( 1 );", line) for line in SHIPPED.splitlines())
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(wrong)
        file.flush()
        refusal = subprocess.run([BUILD / "nurseryd", "-c", file.name, "--check-config"], capture_output=True, text=True).stderr
    return dict(re.findall(r": ([a-z_0-9.]+): found .*?, wanted (.*?)(?:; the default is .*)?$", refusal, re.M))


def conf():
    must, lines = wants(), []
    for path, default, comment in options_of_file():
        lines += [".TP", bold(path), plain(" ".join(comment)), ".br", plain(f"Value: {must.get(path, 'a list of groups ( { … }, … )')}."), ".br", plain(f"Default: {default}")]
    return (head("nurseryd.conf", 5, "configuration of nurseryd") +
            section("DESCRIPTION", *paragraphs(
                "A file in libconfig's syntax. A dotted name below is a key within a group: mqtt.url is url within mqtt: { … };. What is left out has its default. "
                "Relative paths are relative to the file. An unknown key, a wrong type or a value out of range is refused with its line.",
                "nurseryd --print-config prints the whole file with its comments, nurseryd -c FILE --check-config says what is wrong with one. Thresholds, deadlines "
                "and eligibility are no configuration but dated policy data, in the file that the key policy names; the shipped one explains itself.")) +
            section("OPTIONS", *lines) +
            section("EXAMPLE", *verbatim('policy = "policy.conf";\nmqtt: { url = "mqtts://broker.example:8883"; username = "nurseryd"; password_file = "mqtt-password"; };\n'
                                         'people = ( { name = "li.wei"; roles = [ "prov_hc" ]; uid = 1001; scope = [ "33" ]; } );')) + see_also("conf"))


# --- nurseryctl(1), nursery-sim(1) ---

def ctl():
    text = says("nurseryctl", "--help")
    verbs = re.findall(r"^  (\S.*)\n      (.*)$", text, re.M)
    return (head("nurseryctl", 1, "the officer's and the operator's command of nurseryd") +
            section("SYNOPSIS", plain(re.search(r"usage: (.*)", text)[1])) +
            section("DESCRIPTION", *paragraphs("Talks to the daemon over its Unix socket; --db opens a database file read-only instead. Who asks is known by uid, and what the "
                                               "person may do stands in people of nurseryd.conf(5). Options may stand anywhere.")) +
            section("OPTIONS", *terms([("--socket PATH", "the daemon's socket"), ("--db FILE", "a database file, read-only, without a daemon"),
                                       ("--json", "the answer as JSON, for machines; a no (exit 1) is a problem object")])) +
            section("VERBS", *terms(verbs)) +
            section("EXIT STATUS", *terms([tuple(x.strip().split(" ", 1)) for x in re.search(r"^exit: (.*)", text, re.M)[1].split(",")])) + see_also("ctl"))


def sim():
    text = says("nursery-sim", "--help")
    examples = re.search(r"Examples:\n(.*?)\n\n", text, re.S)[1]
    scenarios = [(name, f"{en}\n.br\n{zh}") for name, en, zh in re.findall(r"^(\S+) +(.*)\n +(.*)$", says("nursery-sim", "--list-scenarios"), re.M)]
    about = " ".join(text.split("\n\n")[0].splitlines()[1:])
    return (head("nursery-sim", 1, "publishes an invented province of nurseries") + section("SYNOPSIS", plain(re.search(r"Usage: (.*)", text)[1])) +
            section("DESCRIPTION", *paragraphs(about)) + section("OPTIONS", *terms(options_of_help(text))) +
            section("SCENARIOS", *terms(scenarios)) + section("EXAMPLES", *verbatim(examples)) +
            section("EXIT STATUS", *terms([tuple(x.strip().split(" ", 1)) for x in re.search(r"^Exit: (.*)\.$", text, re.M)[1].split(";")])) + see_also("sim"))


PAGES = {"nurseryd.8": nurseryd, "nurseryd.conf.5": conf, "nurseryctl.1": ctl, "nursery-sim.1": sim}


def main():
    made = {name: "\n".join(page()) + "\n" for name, page in PAGES.items()}
    if "--check" in sys.argv:
        there = {p.name: p.read_text() for p in MAN.glob("*") if p.is_file()} if MAN.exists() else {}
        sys.exit(0 if there == made else "docs/man: not as the programs say now; run make man")
    MAN.mkdir(exist_ok=True)
    for name, text in made.items():
        (MAN / name).write_text(text)


if __name__ == "__main__":
    main()
