//! Puts rows into groups and makes of them what is asked: chunk by chunk, on several threads.

use std::marker::PhantomData;

use crate::Failure;
use crate::answer::Answer;
use crate::chunk::{Chunk, Source};
use crate::question::Groups;
use crate::run::Limits;

/// The groups found so far.
pub struct GroupWork<'q> {
    asked: PhantomData<(&'q Groups, &'q Limits<'q>)>,
}

impl<'q> GroupWork<'q> {
    /// Groups of no rows yet.
    ///
    /// # Errors
    /// Mistaken for places that the question does not have.
    pub fn new(_groups: &'q Groups, _limits: &'q Limits<'q>) -> Result<GroupWork<'q>, Failure> {
        Err(Failure::Unfit)
    }

    /// Adds the rows of a chunk that has the columns of the question, but for those that are gone.
    ///
    /// # Errors
    /// Every [`Failure`].
    pub fn add(&mut self, _chunk: &Chunk<'_>, _gone: Option<&[u64]>) -> Result<(), Failure> {
        Err(Failure::Unfit)
    }

    /// Adds what another thread found for the same question.
    ///
    /// # Errors
    /// TooLarge.
    pub fn merge(&mut self, _other: GroupWork<'q>) -> Result<(), Failure> {
        Err(Failure::Unfit)
    }

    /// The answer.
    ///
    /// # Errors
    /// Unfit, Mistaken, TooLarge.
    pub fn finish(self) -> Result<Answer, Failure> {
        Err(Failure::Unfit)
    }
}

/// Answers a question over all rows.
///
/// # Errors
/// Every [`Failure`].
pub fn groups(
    _source: &dyn Source,
    _groups: &Groups,
    _limits: &Limits<'_>,
) -> Result<Answer, Failure> {
    Err(Failure::Unfit)
}
