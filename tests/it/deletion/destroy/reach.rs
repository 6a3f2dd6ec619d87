//! Q5: what it reaches.
//! Q10: a plan that is made while components are being destroyed.

use super::*;

// Q5: what it reaches.

#[test]
fn parameters_reach_other_components_of_the_tree() {
    let mut world = noting_world();
    world.register_destroy::<Tally>();
    let goblin = world.spawn((Tally(0), Gold(5))).id();
    world.spawn((ChildOf(goblin), Gold(2)));
    world.spawn((ChildOf(goblin), Gold(1)));

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Tally>(goblin).unwrap().0, 8);
    assert_eq!(world.get::<Gold>(goblin).unwrap().0, 0);
}

#[test]
fn local_parameters_are_kept_from_call_to_call_and_from_deletion_to_deletion() {
    let mut world = noting_world();
    world.register_destroy::<Numbered>();
    let [goblin, orc, troll] = [(), (), ()].map(|()| world.spawn(Numbered(0)).id());

    world.qdel_batch([goblin, orc]);
    world.qdel(troll).unwrap();

    let numbers = [goblin, orc, troll].map(|at| world.get::<Numbered>(at).unwrap().0);
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn missing_resource_goes_to_the_error_handler_of_bevy_and_the_deletion_goes_on() {
    let mut world = stage();
    world.register_destroy::<Socket>();
    world.register_destroy::<Part<1>>();
    world.insert_resource(FallbackErrorHandler(record_error));
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world
        .entity_mut(goblin)
        .insert((Socket { port: 80 }, Part::<1>));
    take_errors();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let errors = take_errors();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, "Panic in system");
    let expected = [
        "told goblin",
        "told purse",
        "destroyed goblin",
        "destroyed goblin 1",
        "destroyed purse",
        "gone purse",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn resource_that_comes_in_time_is_found() {
    let mut world = noting_world();
    world.register_destroy::<Socket>();
    world.insert_resource(FallbackErrorHandler(|_, _| ()));
    let first = world.spawn(Socket { port: 80 }).id();
    world.qdel(first).unwrap();
    world.insert_resource(Ports(vec![443]));
    let second = world.spawn(Socket { port: 443 }).id();

    world.qdel(second).unwrap();

    assert_eq!(world.get::<Socket>(first).unwrap().port, 80);
    assert_eq!(world.resource::<Ports>().0, [0_u16; 0]);
}

#[test]
fn default_error_handler_panics_when_everybody_else_is_destroyed() {
    let mut world = stage();
    world.register_destroy::<Socket>();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert(Socket { port: 80 });
    spawn_owned(&mut world, "purse", goblin);

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("Socket"), "{panicked}");
    assert_whole_after(&mut world, &["goblin", "purse"]);
}

#[test]
fn destroy_error_names_the_entity_and_the_component() {
    let error = missing_ports();

    let id = format!(r"\b{}\b", error.entity);
    with_settings!({ filters => [(id.as_str(), "[entity]")], omit_expression => true }, {
        assert_snapshot!("destroy_missing_resource", error);
    });
    assert_eq!(error.component, core::any::type_name::<Socket>());
}

/// Bevy only knows the names of parameters with its feature `debug`.
#[test]
fn destroy_error_names_the_parameters_whatever_bevy_knows() {
    let error = missing_ports();

    assert!(error.to_string().contains("Ports"), "{error}");
}

/// The house style of errors: one lower-case sentence, values first, what to do after a semicolon.
#[test]
fn destroy_error_says_what_is_missing_and_what_to_do_in_one_line() {
    let error = missing_ports();

    let said = error.to_string();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(said.matches("; ").count(), 1, "{said}");
    assert_eq!(said.matches("Option").count(), 1, "{said}");
}

/// Returns the error about a missing resource.
fn missing_ports() -> DestroyError {
    let mut world = noting_world();
    world.register_destroy::<Socket>();
    world.insert_resource(FallbackErrorHandler(record_error));
    let server = world.spawn(Socket { port: 80 }).id();
    take_errors();
    world.qdel(server).unwrap();
    take_errors().remove(0).1
}

// Q10: a plan that is made while components are being destroyed.

#[test]
fn plan_made_by_a_command_of_a_destroy_names_what_would_be_destroyed() {
    let mut world = stage();
    let orc = spawn(&mut world, "orc");
    let goblin = spawn_meddler(&mut world, "goblin", DestroyHint::Queue, move |commands| {
        commands.queue(move |world: &mut World| {
            let plan = world.plan_qdel(orc);
            let destroyed = plan.deletions[0].destroyed.len();
            note(world, &format!("{destroyed} to be destroyed"));
        });
    });

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world)[2], "1 to be destroyed");
}

// The stage.

#[derive(Component)]
struct Gold(u32);

/// Counts its gold and that of its children.
#[derive(Component)]
struct Tally(u32);

impl Destroy for Tally {
    type Param = (
        Query<'static, 'static, &'static Children, Allow<Disabled>>,
        Query<'static, 'static, &'static mut Gold, Allow<Disabled>>,
    );

    fn destroy(&mut self, going: DestroyContext<Self::Param>) -> DestroyHint {
        let (children, mut gold) = going.param;
        let tree = children.iter_descendants(going.entity);
        for entity in [going.entity].into_iter().chain(tree) {
            self.0 += core::mem::take(&mut gold.get_mut(entity).unwrap().0);
        }
        DestroyHint::Queue
    }
}

#[derive(Component)]
struct Numbered(u32);

impl Destroy for Numbered {
    type Param = Local<'static, u32>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        *going.param += 1;
        self.0 = *going.param;
        DestroyHint::Queue
    }
}

thread_local! {
    /// What [`record_error`] was given on this thread: an error handler can capture nothing.
    static ERRORS: RefCell<Vec<(String, DestroyError)>> = const { RefCell::new(Vec::new()) };
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "an error handler takes values"
)]
fn record_error(error: BevyError, context: ErrorContext) {
    let place = format!("{:?} in {}", error.severity(), context.kind());
    let error = error.downcast_ref::<DestroyError>();
    let error = error.expect("the error should be ours").clone();
    ERRORS.with_borrow_mut(|errors| errors.push((place, error)));
}

fn take_errors() -> Vec<(String, DestroyError)> {
    ERRORS.take()
}
