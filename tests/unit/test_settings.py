"""Settings: where they come from, what is wrong with them, how they are shown."""

from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from chappe.runtime.settings import SETTINGS, Settings, SettingsError, load, reference, shown


def faults(environment: dict[str, str] | None = None, file: Path | None = None, **given: object) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(environment or {}, file, **given)
    assert str(error.value) == "\n".join(error.value.faults)
    return error.value.faults


def toml(folder: Path, text: str) -> Path:
    path = folder / "chappe.toml"
    path.write_text(text)
    return path


def test_every_setting_is_in_the_table_and_the_other_way_round() -> None:
    assert {setting.name for setting in SETTINGS} == {field.name for field in fields(Settings)}
    assert len(SETTINGS) == len(fields(Settings))


def test_without_anything_all_settings_have_usable_defaults() -> None:
    settings = load({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database == Path("chappe-data/chappe.db")
    assert settings.webhook_allow_networks == ()
    assert (settings.max_parts, settings.validity_s, settings.receipt_wait_s) == (10, 48 * 3600, 24 * 3600)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, 'host = "file"\nport = 1\nlog_level = "error"\n')
    environment = {"CHAPPE_HOST": "environment", "CHAPPE_PORT": "2"}
    settings = load(environment, file, port=3, data=None)
    assert (settings.port, settings.host, settings.log_level) == (3, "environment", "error")


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, "port = 1234\n")
    assert load({"CHAPPE_CONFIG": str(file)}).port == 1234
    assert load({"CHAPPE_CONFIG": ""}).port == 8000


def test_a_file_given_on_the_command_line_is_read_instead_of_the_named_one(tmp_path: Path) -> None:
    file = toml(tmp_path, "port = 1234\n")
    assert load({"CHAPPE_CONFIG": "/nowhere"}, file).port == 1234


def test_every_fault_is_told_at_once_with_the_place_it_stands(tmp_path: Path) -> None:
    file = toml(tmp_path, 'max_parts = "many"\ncolour = "red"\n')
    found = faults({"CHAPPE_PORT": "http", "CHAPPE_LOG_LEVEL": "loud", "CHAPPE_COLOUR": "red"}, file, validity_s=0)
    assert sorted(found) == sorted(
        [
            "CHAPPE_PORT: must be a whole number, not 'http'",
            "CHAPPE_LOG_LEVEL: must be one of debug, info, warning, error, not 'loud'",
            "CHAPPE_COLOUR: there is no such setting",
            "colour in the settings file: there is no such setting",
            "max_parts in the settings file: must be a whole number, not 'many'",
            "--validity-s: must be between 1 and 2592000, not 0",
        ]
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", ""),
        ("port", "8000.0"),
        ("port", "9" * 5000),
        ("max_parts", "0"),
        ("max_parts", "256"),
        ("max_recipients", "0"),
        ("max_body_bytes", "10"),
        ("receipt_wait_s", "99999999999"),
        ("log_format", "xml"),
        ("public_url", "sms.example.org"),
        ("public_url", "ftp://sms.example.org"),
        ("public_url", "https://"),
        ("public_url", "http://[::1"),
        ("database_url", "sqlite:///"),
        ("database_url", "postgresql://localhost/chappe"),
        ("database_url", "chappe.db"),
        ("webhook_allow_networks", "10.0.0.0/33"),
        ("webhook_allow_networks", "10.0.0.1/8"),
        ("webhook_allow_networks", "example.org"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, text: str) -> None:
    (fault,) = faults({f"CHAPPE_{name.upper()}": text})
    assert fault.startswith(f"CHAPPE_{name.upper()}: ")


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    assert "cannot be read" in faults(file=tmp_path / "none.toml")[0]
    assert "cannot be read" in faults(file=toml(tmp_path, "port == 1"))[0]
    assert "cannot be read" in faults(file=tmp_path)[0]
    (tmp_path / "latin1.toml").write_bytes(b'host = "caf\xe9"\n')
    assert "cannot be read" in faults(file=tmp_path / "latin1.toml")[0]


def test_values_are_read_from_toml_types_as_from_text(tmp_path: Path) -> None:
    file = toml(tmp_path, 'port = 1234\nwebhook_allow_networks = ["10.0.0.0/8", "fd00::/8"]\n')
    settings = load({}, file)
    assert settings.port == 1234
    assert settings.webhook_allow_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_a_truth_value_is_no_number(tmp_path: Path) -> None:
    assert faults(file=toml(tmp_path, "port = true\n")) == [
        "port in the settings file: must be a whole number, not 'True'"
    ]


def test_the_database_may_lie_anywhere() -> None:
    assert load({"CHAPPE_DATABASE_URL": "sqlite:////var/lib/x.db"}).database == Path("/var/lib/x.db")
    assert load({"CHAPPE_DATABASE_URL": "sqlite:///x.db"}).database == Path("x.db")
    assert load({"CHAPPE_DATA": "/srv/chappe"}).database == Path("/srv/chappe/chappe.db")


def test_other_variables_of_the_environment_do_not_matter() -> None:
    assert load({"PORT": "x", "XCHAPPE_PORT": "x", "chappe_port": "x"}).port == 8000


def test_what_is_shown_can_be_read_back() -> None:
    settings = load({"CHAPPE_WEBHOOK_ALLOW_NETWORKS": "10.0.0.0/8, 192.168.0.0/16", "CHAPPE_PUBLIC_URL": "https://a/"})
    again = load({f"CHAPPE_{name.upper()}": text for name, text in shown(settings).items()})
    assert again == settings
    assert settings.public_url == "https://a"


def test_the_reference_names_every_setting_with_its_default() -> None:
    text = reference()
    for setting in SETTINGS:
        assert f"| `CHAPPE_{setting.name.upper()}` | `{setting.name}` |" in text
        assert setting.help in text


def test_the_mail_server_is_a_url_whose_password_is_not_shown() -> None:
    settings = load(
        {
            "CHAPPE_SMTP_URL": "smtp://me:pa%3Ass@mail.acme.example",
            "CHAPPE_MAIL_FROM": "Acme <sms@acme.example>",
        }
    )
    assert "pa" not in shown(settings)["smtp_url"]
    server = settings.mail_server
    assert server is not None
    assert (server.host, server.port, server.password) == ("mail.acme.example", 587, "pa:ss")
    assert load({}).mail_server is None


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"CHAPPE_SMTP_URL": "smtp://mail.acme.example"}, "CHAPPE_MAIL_FROM: is needed with smtp_url"),
        ({"CHAPPE_SMTP_URL": "mail.acme.example", "CHAPPE_MAIL_FROM": "a@b.c"}, "CHAPPE_SMTP_URL: must be like"),
        ({"CHAPPE_MAIL_FROM": "Acme"}, "CHAPPE_MAIL_FROM: must be like"),
        ({"CHAPPE_SMTP_CA_FILE": "/nowhere/ca.pem"}, "CHAPPE_SMTP_CA_FILE: there is no file"),
    ],
)
def test_a_mail_server_that_cannot_be_used_is_told(environment: dict[str, str], fault: str) -> None:
    (found,) = faults(environment)
    assert found.startswith(fault)
