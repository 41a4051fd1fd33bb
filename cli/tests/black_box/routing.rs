//! Policies as people write them: tried, set on condition, shown, and refused with the place that is wrong.

use crate::support::{Outcome, call, file, text};

const POLICY: &str = r#"{"salt":"s","fallback":["live","embedded"],"variants":[
    {"name":"candidate","weight":10,"target":{"kind":"sagemaker","endpoint":"candidate"}},
    {"name":"live","weight":90,"target":{"kind":"sagemaker"}},
    {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#;

#[test]
fn a_policy_is_tried_set_on_condition_and_shown() -> Outcome {
    let folder = tempfile::tempdir()?;
    let policy = file(folder.path(), "policy.json", POLICY)?;
    let store = folder.path().join("store.db");
    let tried = call(&["routing", "simulate", text(&policy), "--ports", "200000", "--json"])?;
    assert_eq!(tried.code, Some(0), "{}", tried.said);
    let tried: serde_json::Value = serde_json::from_str(&tried.printed)?;
    let share = tried["shares"][0]["percent"].as_f64().ok_or("no share")?;
    assert!((share - 10.0).abs() < 0.2, "{share}");

    let set = call(&["routing", "set", text(&policy), "--db", text(&store)])?;
    assert_eq!(set.code, Some(0), "{}", set.said);
    assert!(set.printed.contains("revision 1 is written"), "{}", set.printed);
    let weights = ["--weight", "candidate=25", "--weight", "live=75", "--db", text(&store)];
    let raised = call(&[["routing", "set", "--expect", "1"].as_slice(), &weights].concat())?;
    assert_eq!(raised.code, Some(0), "{}", raised.said);
    let late = call(&[["routing", "set", "--expect", "1"].as_slice(), &weights].concat())?;
    assert_eq!(late.code, Some(7), "{}", late.said);
    assert!(late.said.contains("revision 1 any more") && late.said.contains("next:"), "{}", late.said);

    let step =
        ["routing", "simulate", "--from", text(&policy), "--ports", "20000", "--db", text(&store), "--json"];
    let moved: serde_json::Value = serde_json::from_str(&call(&step)?.printed)?;
    assert_eq!(moved["moved_back"], 0);
    assert_eq!(moved["moves"][0]["to"], "candidate");
    let shown = call(&["routing", "show", "--db", text(&store)])?;
    assert!(shown.printed.contains("revision 2") && shown.printed.contains("25 %"), "{}", shown.printed);
    let cost = call(&["cost", "--db", text(&store)])?;
    assert!(cost.code == Some(0) && cost.printed.contains("no insight is reviewed"), "{}", cost.printed);
    Ok(())
}

#[test]
fn what_is_no_policy_is_refused_with_the_place_and_changes_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store.db");
    for (from, to, said) in [
        ("\"weight\":90", "\"weight\":80", "a sum of 90"),
        ("[\"live\",\"embedded\"]", "[\"live\"]", "ends with the embedded"),
        ("\"name\":\"live\"", "\"name\":\"candidate\"", "names that differ"),
        ("\"salt\":\"s\",", "\"salt\":\"s\",\"colour\":1,", "colour"),
        ("{\"salt\"", "<html>", "not a routing policy"),
    ] {
        let policy = file(folder.path(), "policy.json", &POLICY.replacen(from, to, 1))?;
        let refused = call(&["routing", "set", text(&policy), "--db", text(&store)])?;
        assert_eq!(refused.code, Some(3), "{}", refused.said);
        assert!(refused.said.contains(said) && refused.said.contains("policy.json"), "{}", refused.said);
    }
    let nothing = call(&["routing", "set", "--weight", "live=100", "--db", text(&store)])?;
    assert!(nothing.code == Some(3) && nothing.said.contains("no policy"), "{}", nothing.said);
    let good = file(folder.path(), "policy.json", POLICY)?;
    assert_eq!(call(&["routing", "set", text(&good), "--db", text(&store)])?.code, Some(0));
    let unknown = call(&["routing", "set", "--weight", "nobody=1", "--db", text(&store)])?;
    assert!(unknown.code == Some(2) && unknown.said.contains("no variant nobody"), "{}", unknown.said);
    let sum = call(&["routing", "set", "--weight", "live=50", "--db", text(&store)])?;
    assert!(sum.code == Some(2) && sum.said.contains("a sum of 60"), "{}", sum.said);
    Ok(())
}
