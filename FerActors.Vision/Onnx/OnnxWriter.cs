using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;

namespace FerActors.Vision.Onnx;

/// <summary>
/// Writes ONNX graphs: the few messages of onnx.proto3 that a Vision Transformer needs, field by field, so that no export tool and no
/// other language is in the way.
/// </summary>
internal sealed class OnnxWriter
{
    private const int Float = 1;
    private const int Int64 = 7;
    private const int IrVersion = 8;
    private const int Opset = 17;

    private readonly List<byte[]> _nodes = [];
    private readonly List<byte[]> _constants = [];
    private int _names;

    /// <summary>Adds a node with one output.</summary>
    /// <returns>The output's name.</returns>
    public string Node(string type, IReadOnlyList<string> inputs, params (string Name, object Value)[] attributes)
    {
        var output = $"v{_names++}";
        _nodes.Add(Message(m =>
        {
            foreach (var input in inputs)
            {
                m.Text(1, input);
            }

            m.Text(2, output);
            m.Text(4, type);
            foreach (var (name, value) in attributes)
            {
                m.Bytes(5, Attribute(name, value));
            }
        }));
        return output;
    }

    /// <summary>Adds constant values.</summary>
    /// <returns>Their name.</returns>
    public string Constant(ReadOnlySpan<float> values, params long[] shape)
    {
        var raw = new byte[values.Length * sizeof(float)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(raw.AsSpan(i * sizeof(float)), values[i]);
        }

        return Tensor(Float, shape, raw);
    }

    /// <inheritdoc cref="Constant(ReadOnlySpan{float}, long[])"/>
    public string Constant(params long[] values)
    {
        var raw = new byte[values.Length * sizeof(long)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(raw.AsSpan(i * sizeof(long)), values[i]);
        }

        return Tensor(Int64, [values.Length], raw);
    }

    /// <summary>The whole model.</summary>
    /// <param name="input">The input's name and shape; -1 is the batch.</param>
    /// <param name="outputs">The outputs' names, as nodes gave them, and shapes.</param>
    public byte[] Model((string Name, long[] Shape) input, params IReadOnlyList<(string Name, long[] Shape)> outputs) => Message(m =>
    {
        m.Number(1, IrVersion);
        m.Bytes(7, Message(graph =>
        {
            _nodes.ForEach(node => graph.Bytes(1, node));
            graph.Text(2, "vit");
            _constants.ForEach(constant => graph.Bytes(5, constant));
            graph.Bytes(11, Value(input));
            foreach (var output in outputs)
            {
                graph.Bytes(12, Value(output));
            }
        }));
        m.Bytes(8, Message(opset => opset.Number(2, Opset)));
    });

    private string Tensor(int type, long[] shape, byte[] raw)
    {
        var name = $"c{_names++}";
        _constants.Add(Message(m =>
        {
            foreach (var dimension in shape)
            {
                m.Number(1, dimension);
            }

            m.Number(2, type);
            m.Text(8, name);
            m.Bytes(9, raw);
        }));
        return name;
    }

    private static byte[] Attribute(string name, object value) => Message(m =>
    {
        m.Text(1, name);
        switch (value)
        {
            case float number:
                m.Single(2, number);
                m.Number(20, 1);
                break;
            case int number:
                m.Number(3, number);
                m.Number(20, 2);
                break;
            case long[] numbers:
                foreach (var number in numbers)
                {
                    m.Number(8, number);
                }

                m.Number(20, 7);
                break;
            default:
                throw new ArgumentException($"No attribute is a {value.GetType().Name}.", nameof(value));
        }
    });

    private static byte[] Value((string Name, long[] Shape) value) => Message(m =>
    {
        m.Text(1, value.Name);
        m.Bytes(2, Message(type => type.Bytes(1, Message(tensor =>
        {
            tensor.Number(1, Float);
            tensor.Bytes(2, Message(shape =>
            {
                foreach (var dimension in value.Shape)
                {
                    shape.Bytes(1, Message(d =>
                    {
                        if (dimension < 0)
                        {
                            d.Text(2, "batch");
                        }
                        else
                        {
                            d.Number(1, dimension);
                        }
                    }));
                }
            }));
        }))));
    });

    private static byte[] Message(Action<Fields> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            write(new Fields(output));
        }

        return stream.ToArray();
    }

    private sealed class Fields(CodedOutputStream output)
    {
        public void Number(int field, long value)
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteInt64(value);
        }

        public void Single(int field, float value)
        {
            output.WriteTag(field, WireFormat.WireType.Fixed32);
            output.WriteFloat(value);
        }

        public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        public void Bytes(int field, byte[] value)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(value));
        }
    }
}
