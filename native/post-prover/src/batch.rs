//! Additions of affine points that share one inversion: six multiplications per addition instead of eleven.

use crate::group::Affine;
use crate::lanes::Lanes;

/// Additions that share an inversion. More cost cache, fewer leave more of the inversion on each.
pub(crate) const BATCH: usize = 1024;

/// `target += source`, or `-= source`. Targets of one batch are distinct, and no source is one of them.
#[derive(Clone, Copy)]
pub(crate) struct Addition<P> {
    pub(crate) target: *mut P,
    pub(crate) source: *const P,
    pub(crate) negative: bool,
}

/// Memory of one thread's batches, and its two spare points to fill up the lanes with.
pub(crate) struct Batch<L: Lanes> {
    pub(crate) additions: Vec<Addition<L::Point>>,
    differences: Vec<L::Value>,
    products: Vec<L::Value>,
    /// Targets that the last flush made infinite. What they hold is undefined.
    pub(crate) vanished: Vec<*mut L::Point>,
    spare: Box<[L::Point; 2]>,
}

impl<L: Lanes> Batch<L> {
    pub(crate) fn new() -> Self {
        let mut spare = Box::new([L::Point::ZERO; 2]);
        // Not on the curve: nobody reads the sum. Only their x must differ.
        spare[1].elements()[0][0] = 1;
        Self {
            additions: Vec::with_capacity(BATCH + L::COUNT),
            differences: Vec::with_capacity(BATCH / L::COUNT + 1),
            products: Vec::with_capacity(BATCH / L::COUNT + 1),
            vanished: Vec::new(),
            spare,
        }
    }

    /// Does all additions.
    ///
    /// # Safety
    /// The processor must have the instructions of `L`; the pointers must be valid and as [`Addition`] says.
    #[inline(always)] // into a function that enables the instructions
    pub(crate) unsafe fn flush(&mut self) {
        self.vanished.clear();
        if self.additions.is_empty() {
            return;
        }
        let mut index = 0;
        while index < self.additions.len() {
            let addition = self.additions[index];
            if (*addition.target).x() == (*addition.source).x() {
                self.add_alone(&addition);
                self.additions.swap_remove(index);
            } else {
                index += 1;
            }
        }
        self.fill_lanes();
        self.differences.clear();
        self.products.clear();
        let mut product = L::one();
        for group in self.additions.chunks_exact(L::COUNT) {
            let (targets, sources, _) = gather::<L>(group);
            let difference = L::subtract(
                &L::load_x(&sources[..L::COUNT]),
                &L::load_x(&targets[..L::COUNT]),
            );
            self.products.push(product);
            product = L::multiply(&product, &difference);
            self.differences.push(difference);
        }
        let Some(mut inverse) = L::invert(&product) else {
            // A difference was zero although the words differed: possible only where coordinates are not fully reduced.
            for addition in std::mem::take(&mut self.additions) {
                if !std::ptr::eq(addition.source, &raw const self.spare[1]) {
                    self.add_alone(&addition);
                }
            }
            return;
        };
        for (position, group) in self.additions.chunks_exact(L::COUNT).enumerate().rev() {
            let (targets, sources, negative) = gather::<L>(group);
            let difference_inverse = L::multiply(&inverse, &self.products[position]);
            inverse = L::multiply(&inverse, &self.differences[position]);
            let (x1, y1) = L::load(&targets[..L::COUNT]);
            let (x2, y2) = L::load(&sources[..L::COUNT]);
            let slope = L::multiply(&L::subtract_signed(&y2, &y1, negative), &difference_inverse);
            let x3 = L::third_x(&L::square(&slope), &x1, &x2);
            let y3 = L::third_y(&L::multiply(&slope, &L::subtract(&x1, &x3)), &y1);
            let targets = targets.map(<*const L::Point>::cast_mut);
            L::store(&targets[..L::COUNT], &x3, &y3);
        }
        self.additions.clear();
    }

    fn fill_lanes(&mut self) {
        self.spare[0] = L::Point::ZERO;
        let filler = Addition {
            target: &raw mut self.spare[0],
            source: &raw const self.spare[1],
            negative: false,
        };
        while !self.additions.len().is_multiple_of(L::COUNT) {
            self.additions.push(filler);
        }
    }

    /// One addition without the shared inversion: of equal or opposite points.
    #[cold]
    unsafe fn add_alone(&mut self, addition: &Addition<L::Point>) {
        let mut target = *addition.target;
        let mut source = *addition.source;
        L::export(&mut target);
        L::export(&mut source);
        if addition.negative {
            source.negate();
        }
        let mut sum = L::Point::infinity();
        L::Point::add_point(&mut sum, &target);
        L::Point::add_point(&mut sum, &source);
        match L::Point::to_affine(&sum) {
            Some(mut point) => {
                L::import(&mut point);
                *addition.target = point;
            }
            None => self.vanished.push(addition.target),
        }
    }
}

/// Pointers of a group's lanes (the first `COUNT`), and the bits of the negative ones.
#[inline(always)]
fn gather<L: Lanes>(
    group: &[Addition<L::Point>],
) -> ([*const L::Point; 8], [*const L::Point; 8], u8) {
    let mut targets = [std::ptr::null(); 8];
    let mut sources = [std::ptr::null(); 8];
    let mut negative = 0;
    for (lane, addition) in group.iter().enumerate() {
        targets[lane] = addition.target.cast_const();
        sources[lane] = addition.source;
        negative |= u8::from(addition.negative) << lane;
    }
    (targets, sources, negative)
}
