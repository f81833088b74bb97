//! Reads and fills the parameters of a module by their paths, which are their names in files.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

use super::Array;

/// Takes the parameters of a module to the host, by name.
pub(super) fn read(module: &impl Module) -> BTreeMap<String, Array> {
    let mut reader = Reader::default();
    module.visit(&mut reader);
    reader.arrays
}

/// Gives every parameter of a module the array of its name.
///
/// # Panics
///
/// Panics where an array is missing or has another shape: whoever read the arrays has checked them.
pub(super) fn fill<M: Module>(module: M, arrays: &BTreeMap<String, Array>) -> M {
    module.map(&mut Filler { path: Vec::new(), arrays })
}

/// Puts tensors that are being trained in the place of the parameters of a module, by name. Gradients flow through to them.
///
/// # Panics
///
/// Panics where a tensor is missing or has another number of values.
pub(super) fn replace<M: Module>(module: M, tensors: &BTreeMap<String, Tensor<2>>) -> M {
    module.map(&mut Replacer { path: Vec::new(), tensors })
}

struct Replacer<'a> {
    path: Vec<String>,
    tensors: &'a BTreeMap<String, Tensor<2>>,
}

impl ModuleMapper for Replacer<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let tensor = self.tensors.get(&name).unwrap_or_else(|| panic!("no tensor for `{name}`"));
        // Not `from_tensor`, which asks for a gradient of its own: this tensor is computed from one that has it.
        Param::initialized(ParamId::new(), tensor.clone().reshape(param.val().dims()))
    }
}

#[derive(Default)]
struct Reader {
    path: Vec<String>,
    arrays: BTreeMap<String, Array>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        let values = tensor.into_data().try_into_vec().expect("parameters are 32-bit floats");
        self.arrays.insert(self.path.join("."), Array { shape, values });
    }
}

struct Filler<'a> {
    path: Vec<String>,
    arrays: &'a BTreeMap<String, Array>,
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let array = self.arrays.get(&name).unwrap_or_else(|| panic!("no array for `{name}`"));
        let device = param.val().device();
        assert_eq!(param.val().dims().as_slice(), array.shape, "the shape of `{name}`");
        let data = TensorData::new(array.values.clone(), array.shape.clone());
        Param::from_tensor(Tensor::from_data(data, &device))
    }
}
