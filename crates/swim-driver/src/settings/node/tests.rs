use super::*;

#[test]
fn bind_takes_three_forms() {
    let parsed = |text| bind_address(text).unwrap().to_string();
    assert_eq!(parsed("10.0.0.7:9000"), "10.0.0.7:9000");
    assert_eq!(parsed("10.0.0.7"), "10.0.0.7:7946");
    assert_eq!(parsed(":9000"), "0.0.0.0:9000");
    assert_eq!(parsed("[::1]:0"), "[::1]:0");
    assert_eq!(parsed("::1"), "[::1]:7946");
    assert_eq!(parsed("[::1]"), "[::1]:7946");
    for text in
        ["", ":", ":x", ":70000", "localhost:1", "1.2.3:4", "10.0.0.7:", "[::1", "fd00::1:7946"]
    {
        assert!(bind_address(text).is_err(), "{text}");
    }
}

#[test]
fn seeds_are_hosts_with_ports() {
    let parsed = |text| seed(text).unwrap();
    assert_eq!(parsed("db-1.example.org:9000"), "db-1.example.org:9000");
    assert_eq!(parsed("db-1"), "db-1:7946");
    assert_eq!(parsed("10.0.0.7"), "10.0.0.7:7946");
    assert_eq!(parsed("::1"), "[::1]:7946");
    assert_eq!(parsed("[::1]:9000"), "[::1]:9000");
    for text in ["", ":9000", "db:", "db:x", "db:0", "db:70000", "a b:1", "0.0.0.0:1", "a:b:1"] {
        // The same rule and message as for a seed that an application gives.
        let told = text.parse::<Seed>().unwrap_err().to_string();
        assert_eq!(seed(text), Err(told), "{text}");
    }
}

#[test]
fn an_advertised_address_can_be_reached() {
    assert_eq!(advertised_address("10.0.0.7").unwrap().to_string(), "10.0.0.7:0");
    assert_eq!(advertised_address("10.0.0.7:9").unwrap().to_string(), "10.0.0.7:9");
    for text in [
        "0.0.0.0:1",
        "[::]:1",
        "0.0.0.0",
        ":1",
        "x",
        "224.0.0.1",
        "[ff02::1]:1",
        "255.255.255.255",
        "fe80::1",
        "169.254.1.1:1",
    ] {
        assert!(advertised_address(text).is_err(), "{text}");
    }
}

#[test]
fn networks_and_single_addresses() {
    for (text, shown) in [
        ("10.1.0.0/16", "10.1.0.0/16"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("fd00::/8", "fd00::/8"),
        ("::1", "::1/128"),
    ] {
        assert_eq!(network(text).unwrap().to_string(), shown);
    }
    for text in ["", "10.1", "10.0.0.0/33", "everywhere"] {
        assert!(network(text).is_err(), "{text}");
    }
}

#[test]
fn versions_are_in_order() {
    assert_eq!(versions("2:5:5"), Ok(VersionRange { min: 2, max: 5, current: 5 }));
    for text in ["", "1", "1:2", "5:2:4", "2:5:6", "2:5:1", "a:b:c", "0:300:1", "1:2:2:2"] {
        assert!(versions(text).is_err(), "{text}");
    }
}

#[test]
fn own_names_have_no_control_characters() {
    assert_eq!(name("größe 7").unwrap(), "größe 7");
    for text in ["", "a\nb", "\u{1b}[2J", "a\u{202e}b"] {
        assert!(name(text).is_err(), "{text:?}");
    }
}
