// Random lists of operations through the plain passes; see driver.cpp, which includes this.

// A list of operations in which any kind may follow any other, and sums join two values.
struct RandomProgram {
  std::vector<lenet::Operation> operations;
  std::vector<int32_t> connections;
  std::vector<Numbers> parameters;
  int norms = 0;

  RandomProgram(Random& random, bool wild, bool in_training) : random_(random), wild_(wild) {
    shapes_.push_back({random.whole(1, 4), random.whole(1, 12), random.whole(1, 12)});
    const int count = random.whole(1, 7);
    for (int i = 0; i < count; ++i) add_any(in_training);
    const Shape last = shapes_.back();
    lenet::Operation flat = operation(lenet::OperationKind::kDense, {last.size(), 1, 1},
                                      {random.whole(2, 20), 1, 1});
    add_weights(flat, size_t(flat.channels) * flat.outputs, random.once_in(2));
    add(flat);
  }

  lenet::Program* make() const {
    return lenet_program_new(operations.data(), static_cast<int32_t>(operations.size()),
                             connections.data(), static_cast<int32_t>(connections.size() / 2));
  }
  size_t image_size() const { return shapes_.front().size(); }
  size_t outputs() const { return shapes_.back().size(); }
  lenet::Examples examples(const uint8_t* pixels, const float* values, const int64_t* labels) const {
    const Shape& image = shapes_.front();
    return {pixels, values, labels, image.channels, image.height, image.width};
  }

 private:
  struct Shape {
    int channels, height, width;
    int size() const { return channels * height * width; }
    bool operator==(const Shape& other) const {
      return channels == other.channels && height == other.height && width == other.width;
    }
  };

  lenet::Operation operation(lenet::OperationKind kind, const Shape& in, const Shape& out) const {
    lenet::Operation made{};
    made.kind = kind;
    made.input = static_cast<int32_t>(operations.size());
    made.channels = in.channels, made.height = in.height, made.width = in.width;
    made.outputs = out.channels, made.rows = out.height, made.columns = out.width;
    made.kernel_height = made.kernel_width = made.down = made.right = 1;
    made.spread_down = made.spread_right = made.groups = 1;
    made.weights = made.biases = -1;
    return made;
  }

  void add(const lenet::Operation& made) {
    operations.push_back(made);
    shapes_.push_back({made.outputs, made.rows, made.columns});
  }

  void add_weights(lenet::Operation& made, size_t count, bool with_biases) {
    made.weights = static_cast<int32_t>(parameters.size());
    parameters.push_back(random_.numbers(count, wild_));
    if (!with_biases) return;
    made.biases = static_cast<int32_t>(parameters.size());
    parameters.push_back(random_.numbers(made.outputs, wild_));
  }

  // Numbers of a window's way along a side, and how often it fits; 0 where it does not.
  int slide(int size, int32_t& kernel, int32_t& step, int32_t& margin, int32_t& spread,
            bool is_pooling) {
    kernel = random_.whole(1, 6), step = random_.whole(1, 3), spread = random_.whole(1, 2);
    margin = is_pooling ? random_.whole(0, kernel / 2) : random_.whole(0, 3);
    const int room = size + 2 * margin - spread * (kernel - 1) - 1;
    return room < 0 ? 0 : room / step + 1;
  }

  void add_any(bool in_training) {
    using Kind = lenet::OperationKind;
    const Shape in = shapes_.back();
    switch (random_.whole(0, 9)) {
      case 0: case 1: case 2: {
        lenet::Operation made = operation(Kind::kConvolution, in, in);
        made.groups = in.channels % 2 == 0 ? random_.whole(1, 2) : 1;
        made.outputs = made.groups * random_.whole(1, 9);
        made.rows = slide(in.height, made.kernel_height, made.down, made.above,
                          made.spread_down, false);
        made.columns = slide(in.width, made.kernel_width, made.right, made.left,
                             made.spread_right, false);
        if (made.rows == 0 || made.columns == 0) return;
        size_t count = made.weight_count();
        if (made.groups == 1 && random_.once_in(3)) {
          made.first_connection = static_cast<int32_t>(connections.size() / 2);
          for (int o = 0; o < made.outputs; ++o) {
            connections.insert(connections.end(), {o, random_.whole(0, in.channels - 1)});
          }
          made.connections = made.outputs;
          count = size_t(made.outputs) * made.kernel_height * made.kernel_width;
        }
        add_weights(made, count, random_.once_in(2));
        return add(made);
      }
      case 3: {
        lenet::Operation made = operation(Kind::kPooling, in, in);
        made.choice = random_.whole(0, 2);
        made.is_adaptive = random_.once_in(3);
        made.counts_padding = random_.once_in(2);
        if (made.is_adaptive) {
          made.rows = random_.whole(1, 14), made.columns = random_.whole(1, 14);
        } else {
          made.rows = slide(in.height, made.kernel_height, made.down, made.above,
                            made.spread_down, true);
          made.columns = slide(in.width, made.kernel_width, made.right, made.left,
                               made.spread_right, true);
        }
        if (made.rows && made.columns) add(made);
        return;
      }
      case 4: {
        lenet::Operation made = operation(in_training ? Kind::kBatchNorm : Kind::kScale, in, in);
        add_weights(made, in.channels, true);
        norms += in_training;
        return add(made);
      }
      case 5: {
        if (!in_training) return;
        lenet::Operation made = operation(Kind::kDropout, in, in);
        made.number = random_.once_in(4) ? 1.0f : 0.4f;
        made.draws_maps = random_.once_in(2);
        return add(made);
      }
      case 6: {
        lenet::Operation made = operation(Kind::kPadding, in, in);
        made.above = random_.whole(0, 2), made.left = random_.whole(0, 2);
        made.rows += made.above + random_.whole(0, 2);
        made.columns += made.left + random_.whole(0, 2);
        made.number = 0.5f;
        return add(made);
      }
      case 7: {
        lenet::Operation made = operation(Kind::kSum, in, in);
        for (int32_t other = made.input; other >= 0; --other) {
          if (shapes_[other] == in && !random_.once_in(3)) made.other = other;
        }
        if (shapes_[made.other] == in) add(made);
        return;
      }
      default: {
        lenet::Operation made = operation(Kind::kActivation, in, in);
        made.choice = random_.whole(0, static_cast<int>(lenet::Function::kScaledTanh));
        made.number = 0.3f;
        return add(made);
      }
    }
  }

  Random& random_;
  bool wild_;
  std::vector<Shape> shapes_;  // of the values
};

void answer(Random& random, bool wild) {
  RandomProgram shape(random, wild, false);
  lenet::Program* program = shape.make();
  REQUIRE(program);
  const size_t count = random.whole(1, 40), size = shape.image_size();
  const Numbers images = random.numbers(count * size, wild);
  Array<int64_t> counts(shape.parameters.size());
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = shape.parameters[i].size();
  const std::vector<float*> parameters = pointers(shape.parameters);
  lenet::PlainPredictor* predictor = lenet_plain_predictor_new(
      program, parameters.data(), counts.data(), static_cast<int32_t>(counts.size()));
  REQUIRE(predictor);
  Numbers together(count * shape.outputs()), alone(count * shape.outputs());
  const lenet::Images all{images.data(), nullptr, nullptr};
  REQUIRE(lenet_plain_predict(predictor, &all, count, random.whole(1, 4), together.data()));
  Array<int32_t> offsets(shape.operations.size() + 2);
  lenet_program_offsets(program, offsets.data());
  Numbers values(offsets[offsets.size() - 1]);
  for (size_t image = 0; image < count; ++image) {
    float* const own = alone.data() + image * shape.outputs();
    REQUIRE(lenet_program_values(program, parameters.data(), images.data() + image * size,
                                 values.data()));
    std::copy_n(values.data() + offsets[offsets.size() - 2], shape.outputs(), own);
  }
  REQUIRE(same(together, alone));
  for (int i = 0; i < static_cast<int>(shape.operations.size()); ++i) {
    const int places = offsets[i + 2] - offsets[i + 1], most = random.whole(1, 50);
    Array<int32_t> inputs(most);
    Numbers weights(most);
    const int found = lenet_program_contributions(program, parameters.data(), values.data(), i,
                                                  random.whole(0, places - 1), most,
                                                  inputs.data(), weights.data());
    REQUIRE(found >= 0);
    for (int k = 0; k < std::min(found, most); ++k) {
      REQUIRE(inputs[k] >= 0 && inputs[k] < offsets[i + 1]);
    }
  }
  lenet_plain_predictor_free(predictor);
  lenet_program_free(program);
}

// The same steps, on one thread and on several.
void train_plainly(Random& random, bool wild) {
  RandomProgram shape(random, wild, true);
  lenet::Program* program = shape.make();
  REQUIRE(program);
  const int batch_size = random.whole(1, 40), images = random.whole(1, 50);
  RandomExamples drawn(random, wild, images, shape.image_size(), shape.outputs());
  const lenet::Examples examples =
      shape.examples(drawn.pixels.data(), drawn.values.data(), drawn.labels.data());
  lenet::PlainTrainer* trainers[2];
  std::vector<Numbers> gradients[2];
  std::vector<Numbers> statistics[2];
  std::vector<lenet::BatchNormState> norms[2];
  Array<int64_t> batches(2 * shape.norms + 1);
  for (int i = 0; i < 2; ++i) {
    trainers[i] = lenet_plain_trainer_new(program, batch_size);
    REQUIRE(trainers[i]);
    gradients[i] = shape.parameters;
    for (const lenet::Operation& one : shape.operations) {
      if (one.kind != lenet::OperationKind::kBatchNorm) continue;
      statistics[i].insert(statistics[i].end(), 2, Numbers(one.outputs, 1.0f));
    }
    for (int k = 0; k < shape.norms; ++k) {
      norms[i].push_back({1e-5, k % 2 ? -1.0 : 0.1, statistics[i][2 * k].data(),
                          statistics[i][2 * k + 1].data(), batches.data() + i * shape.norms + k});
    }
  }
  for (uint64_t step = 1; step <= 2; ++step) {
    const int count = random.whole(1, batch_size);
    Array<int64_t> indices(count);
    for (int i = 0; i < count; ++i) indices[i] = random.whole(0, images - 1);
    const lenet::Selection selection{indices.data(), nullptr, nullptr, nullptr, count};
    const lenet::LossSettings settings{static_cast<lenet::LossKind>(random.whole(0, 1)), 0.1f, step};
    lenet::Loss losses[2];
    for (int i = 0; i < 2; ++i) {
      REQUIRE(lenet_plain_trainer_gradients(trainers[i], &examples, &selection, &settings,
                                            i ? random.whole(2, 4) : 1,
                                            pointers(shape.parameters).data(),
                                            pointers(gradients[i]).data(), norms[i].data(),
                                            &losses[i]));
    }
    REQUIRE(losses[0].correct == losses[1].correct);
    const double one = losses[0].sum, other = losses[1].sum;
    REQUIRE(one == other || (std::isnan(one) && std::isnan(other)));
    REQUIRE(same(gradients[0], gradients[1]));
    REQUIRE(same(statistics[0], statistics[1]));
  }
  lenet::StepSettings update{};
  update.learning_rate = 0.1;
  const std::vector<float*> no_state(2 * shape.parameters.size(), nullptr);
  REQUIRE(lenet_plain_trainer_update(trainers[0], &update, 2, pointers(shape.parameters).data(),
                                     pointers(gradients[0]).data(), no_state.data()));
  for (lenet::PlainTrainer* trainer : trainers) lenet_plain_trainer_free(trainer);
  lenet_program_free(program);
}
