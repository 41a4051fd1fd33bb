//! What every store of a task's items promises, checked on each in the same words.

use linkcast_domain::ports::{Revised, TaskItem, TaskItems, Written};

use super::items::{at, now};

/// Hands every check's name to `$tests`, which makes a test of each for each store.
macro_rules! task_contract {
    ($tests:ident) => {
        $tests! {
            task_contract:
            an_item_comes_back_as_it_was_written,
            items_are_listed_by_the_beginning_of_their_names,
            who_wrote_an_item_on_what_another_changed_has_not_written,
        }
    };
}

pub(super) use task_contract;

fn item(name: &str, revision: u64, text: &str) -> TaskItem {
    let text = Revised { revision, value: text.to_owned() };
    TaskItem { name: name.to_owned(), text, until: name.starts_with("evidence#").then(|| at(4_000_000_000)) }
}

pub(super) fn an_item_comes_back_as_it_was_written<S: TaskItems>(store: &S) {
    assert_eq!(now(store.task_item("link-health", "routing")).unwrap(), None);
    let text = "{\"salt\":\"s\u{f8}lt \\\" \"}\n";
    let written = now(store.put_task_item("link-health", &item("routing", 0, text))).unwrap();
    assert_eq!(written, Written::Yes);
    let found = now(store.task_item("link-health", "routing")).unwrap();
    assert_eq!(found, Some(Revised { revision: 1, value: text.to_owned() }));
    assert_eq!(now(store.task_item("other", "routing")).unwrap(), None, "of another task");
}

pub(super) fn items_are_listed_by_the_beginning_of_their_names<S: TaskItems>(store: &S) {
    for name in ["breaker#live", "routing", "breaker#candidate", "evidence#1#a", "breaker"] {
        assert_eq!(now(store.put_task_item("link-health", &item(name, 0, name))).unwrap(), Written::Yes);
    }
    let found = now(store.task_items("link-health", "breaker#")).unwrap();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["breaker#candidate", "breaker#live"]);
    assert_eq!(found[1].1, Revised { revision: 1, value: "breaker#live".to_owned() });
    assert_eq!(now(store.task_items("link-health", "evidence#")).unwrap().len(), 1);
    assert_eq!(now(store.task_items("other", "breaker#")).unwrap(), []);
}

pub(super) fn who_wrote_an_item_on_what_another_changed_has_not_written<S: TaskItems>(store: &S) {
    let put =
        |revision, text| now(store.put_task_item("link-health", &item("routing", revision, text))).unwrap();
    assert_eq!(put(0, "first"), Written::Yes);
    assert_eq!(put(0, "also first"), Written::Moved);
    assert_eq!(put(1, "second"), Written::Yes);
    assert_eq!(put(1, "also second"), Written::Moved);
    assert_eq!(put(7, "from nowhere"), Written::Moved);
    let found = now(store.task_item("link-health", "routing")).unwrap();
    assert_eq!(found, Some(Revised { revision: 2, value: "second".to_owned() }));
}
