//! What holds for every decision, whatever the input; and that the arithmetic shown is the arithmetic done.

use proptest::{
    prelude::{Just, any},
    prop_assert, prop_assert_eq, prop_compose, prop_oneof, proptest,
    strategy::Strategy as Generator,
};

use super::{
    aggregate::Calculation,
    bounds::Bounds,
    decision::{Decision, Parts, Rules, TriggerReading, decide},
    jobs::Counts,
    strategy::Strategy,
};

fn strategies() -> impl Generator<Value = Strategy> {
    let custom = (any::<Option<i32>>(), "-?[0-9]{1,2}(\\.[0-9]{1,3})?");
    prop_oneof![
        Just(Strategy::Default),
        Just(Strategy::Accurate),
        Just(Strategy::Eager),
        custom.prop_map(|(deduction, percentage)| Strategy::select(Some("custom"), deduction, Some(&percentage))),
        (-20i32..20, 0u8..200).prop_map(|(deduction, hundredths)| {
            Strategy::select(Some("custom"), Some(deduction), Some(&format!("{}", f64::from(hundredths) / 100.0)))
        }),
    ]
}

fn calculations() -> impl Generator<Value = Calculation> {
    prop_oneof![Just(Calculation::Max), Just(Calculation::Min), Just(Calculation::Avg), Just(Calculation::Sum)]
}

fn bounds() -> impl Generator<Value = Bounds> {
    (proptest::option::of(0i32..20), proptest::option::of(1i32..200)).prop_map(|(min, max)| Bounds::new(min, max))
}

fn rules() -> impl Generator<Value = Rules> {
    (bounds(), strategies(), calculations()).prop_map(|(bounds, strategy, calculation)| Rules { bounds, strategy, calculation })
}

prop_compose! {
    fn readings()(visible in 0i64..500, in_flight in proptest::option::of(0i64..50), target in -1i64..20, activation in 0i64..30, fails in 0u8..10)
        -> TriggerReading {
        let parts = Parts { visible, in_flight, delayed: None };
        TriggerReading {
            metric: "s0-aws-sqs-q".to_owned(),
            value: super::number::to_float(parts.sum()),
            target: super::number::to_float(target),
            active: fails > 0 && parts.sum() > activation,
            activation: Some(crate::core::keda::number::to_float(activation)),
            parts: Some(parts),
            counted: None,
            error: (fails == 0).then(|| "access\ndenied".to_owned()),
        }
    }
}

fn counts() -> impl Generator<Value = Counts> {
    (0i64..300).prop_flat_map(|running| (Just(running), 0..=running).prop_map(|(running, pending)| Counts { running, pending }))
}

fn decisions() -> impl Generator<Value = Decision> {
    (rules(), proptest::collection::vec(readings(), 0..4), counts()).prop_map(|(rules, readings, jobs)| decide(&rules, &readings, jobs))
}

proptest! {
    #[test]
    fn never_fewer_than_none_and_never_more_than_the_queue_holds(decision in decisions()) {
        prop_assert!(decision.create >= 0);
        prop_assert!(decision.create <= decision.scale_to.max(0));
        prop_assert!(decision.create <= decision.effective.max(0));
    }

    #[test]
    fn only_custom_may_exceed_the_maximum(decision in decisions()) {
        if decision.create > 0 && !matches!(decision.rules.strategy, Strategy::Custom { .. }) {
            prop_assert!(decision.running + decision.create <= decision.rules.bounds.ceiling());
        }
    }

    #[test]
    fn the_minimum_is_always_filled(decision in decisions()) {
        prop_assert!(decision.running + decision.create >= decision.rules.bounds.min);
    }

    #[test]
    fn nothing_is_created_while_inactive(decision in decisions()) {
        prop_assert!(decision.is_active || decision.create == 0);
    }

    #[test]
    fn no_number_panics(
        rules in rules(), min: i64, max: i64, running: i64, pending: i64, value in proptest::num::f64::ANY, target in proptest::num::f64::ANY,
        visible: i64, in_flight: i64
    ) {
        let parts = Parts { visible, in_flight: Some(in_flight), delayed: Some(visible) };
        let reading = TriggerReading {
            metric: String::new(), value, target, active: true, activation: None, parts: Some(parts), counted: None, error: None,
        };
        let rules = Rules { bounds: Bounds { min, max }, ..rules };
        let decision = decide(&rules, &[reading.clone(), reading], Counts { running, pending });
        prop_assert!(decision.create >= 0);
        prop_assert!(!decision.explain().contains('\n'));
    }

    #[test]
    fn a_decision_survives_the_journal(decision in decisions()) {
        let text = serde_json::to_string(&decision).expect("serialises");
        prop_assert_eq!(serde_json::from_str::<Decision>(&text).expect("reads back"), decision);
    }

    #[test]
    fn the_arithmetic_shown_is_the_arithmetic_done(decision in decisions()) {
        let line = decision.explain();
        prop_assert!(!line.contains('\n'));
        let (rest, create) = line.rsplit_once(" -> create ").expect("ends with the number to create");
        prop_assert_eq!(create.parse::<i64>().expect("a number"), decision.create);
        let outcome = rest.rsplit_once("; ").map_or(rest, |(_, last)| last);
        if outcome != "inactive" {
            let (_, arithmetic) = outcome.split_once(": ").expect("a name and its formula");
            let formula = arithmetic.split_once(", so ").map_or(arithmetic, |(_, then)| then);
            let formula = formula.split_once(" = ").map_or(formula, |(formula, _)| formula);
            prop_assert_eq!(Formula::value(formula), decision.effective, "{}", line);
        }
    }
}

#[test]
fn one_trigger_reads_as_one_sum() {
    let parts = Parts { visible: 10, in_flight: Some(0), delayed: None };
    let reading = TriggerReading {
        metric: "s0-aws-sqs-test-queue".to_owned(),
        value: 10.0,
        target: 1.0,
        active: true,
        activation: Some(0.0),
        parts: Some(parts),
        counted: None,
        error: None,
    };
    let line =
        |rules: &Rules, readings: &[TriggerReading], running, pending| decide(rules, readings, Counts { running, pending }).explain();
    let with = |strategy| Rules { strategy, ..Rules::default() };
    let one = std::slice::from_ref(&reading);
    assert_eq!(
        line(&Rules::default(), one, 0, 0),
        "10 visible + 0 in flight = 10; target 1 -> 10; running 0; default: min(10, 100-0) -> create 10"
    );
    assert_eq!(
        line(&Rules::default(), one, 4, 1),
        "10 visible + 0 in flight = 10; target 1 -> 10; running 4; default: min(10-4, 100-4) -> create 6"
    );
    assert_eq!(
        line(&with(Strategy::Accurate), one, 4, 1),
        "10 visible + 0 in flight = 10; target 1 -> 10; running 4, pending 1; accurate: 10+4-1 = 13 <= 100, so 10-1 -> create 9"
    );
    assert_eq!(
        line(&with(Strategy::Eager), one, 4, 1),
        "10 visible + 0 in flight = 10; target 1 -> 10; running 4, pending 1; eager: min(100-4-1, 10) -> create 10"
    );
    assert_eq!(
        line(&with(Strategy::select(Some("custom"), Some(2), Some("0.5"))), one, 5, 0),
        "10 visible + 0 in flight = 10; target 1 -> 10; running 5; custom: min(10-2-trunc(5*0.5), 100) -> create 6"
    );
    let minimum = Rules { bounds: Bounds::new(Some(2), Some(10)), ..Rules::default() };
    assert_eq!(
        line(&minimum, one, 0, 0),
        "10 visible + 0 in flight = 10; target 1 -> 10, capped at 8; running 0; minimum 2: 2-0 -> create 2"
    );
    let quiet = TriggerReading { active: false, activation: Some(20.0), ..reading };
    assert_eq!(
        line(&Rules::default(), std::slice::from_ref(&quiet), 0, 0),
        "10 visible + 0 in flight = 10, not above activation 20; running 0; inactive -> create 0"
    );
    assert_eq!(
        line(&Rules::default(), &[quiet, TriggerReading::failed("s1-aws-sqs-b", "access\n denied")], 3, 0),
        "s0-aws-sqs-test-queue: 10 visible + 0 in flight = 10, not above activation 20; s1-aws-sqs-b: error (access denied); \
         max of 0 active: 0 -> 0; running 3; inactive -> create 0"
    );
}

/// Evaluates what `explain` prints: integers and floats, `+ - *`, `min(,)`, `trunc()`, parentheses.
struct Formula<'a> {
    rest: &'a str,
}

impl Formula<'_> {
    fn value(text: &str) -> i64 {
        let mut formula = Formula { rest: text };
        let value = formula.sum();
        assert_eq!(formula.rest, "", "all of `{text}` is arithmetic");
        #[expect(clippy::cast_possible_truncation, reason = "the formula's value is whole")]
        let whole = value as i64;
        whole
    }

    fn eat(&mut self, token: &str) -> bool {
        let trimmed = self.rest.trim_start();
        let found = trimmed.strip_prefix(token);
        self.rest = found.unwrap_or(trimmed);
        found.is_some()
    }

    fn sum(&mut self) -> f64 {
        let mut value = self.product();
        loop {
            if self.eat("+") {
                value += self.product();
            } else if self.eat("-") {
                value -= self.product();
            } else {
                return value;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut value = self.atom();
        while self.eat("*") {
            value *= self.atom();
        }
        value
    }

    fn atom(&mut self) -> f64 {
        if self.eat("min(") {
            let left = self.sum();
            assert!(self.eat(","));
            let right = self.sum();
            assert!(self.eat(")"));
            left.min(right)
        } else if self.eat("trunc(") {
            let value = self.sum();
            assert!(self.eat(")"));
            value.trunc()
        } else if self.eat("(") {
            let value = self.sum();
            assert!(self.eat(")"));
            value
        } else if self.eat("-") {
            -self.atom()
        } else {
            let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            self.rest = rest;
            digits.parse().expect("a number")
        }
    }
}
